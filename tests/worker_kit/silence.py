"""Contacts that fall silent: with a tier that is lost at a chosen moment, in a chosen partition; and when it was seen."""

from __future__ import annotations

import json
import random
import time
from itertools import count

from model.naive import milliseconds
from palier.contracts.decoding import decode_line
from palier.contracts.moments import format_moment
from palier.domain.demotion import next_demotion_at
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.kafka.partitioning import partition_of
from palier.packs import load_pack
from worker_kit.reading import LiveReader

PACK = load_pack(None)
LATEST_MS = milliseconds("2100-01-01T00:00:00Z")
ADVOCACY = ("consent.granted", "referral.converted", "review.posted")  # at once: engaged to influence, for 81 days


def now_ms():
    """The wall clock."""
    return time.time_ns() // 1_000_000


def touchpoint(contact_id, type_, moment_ms):
    """(key, value) of one record."""
    value = {
        "id": f"{type_}-{moment_ms}",
        "source": "test",
        "type": type_,
        "channel": "email",
        "contact_id": contact_id,
        "occurred_at": format_moment(moment_ms),
        "rating": 100,
    }
    return contact_id.encode(), json.dumps(value).encode()


def advocate(contact_id, due_ms):
    """The history of a contact who loses the one tier she has at `due_ms` if nothing more happens."""
    lasts_ms = _due_of([touchpoint(contact_id, type_, 0) for type_ in ADVOCACY])
    history = [touchpoint(contact_id, type_, due_ms - lasts_ms) for type_ in ADVOCACY]
    assert _due_of(history) == due_ms
    return history


def _due_of(log):
    return next_demotion_at(states_of(log)[log[0][0]], PACK)


def states_of(log):
    """The contacts that a log makes, by key."""
    states = {}
    for key, value in log:
        fold(states.setdefault(key, ContactState.new()), decode_line(value, LATEST_MS), PACK)
    return states


def contacts_in(settings, number, name):
    """Endless ids of contacts whose touchpoints lie in a partition."""
    names = (f"{name}-{each}" for each in count())
    return (each for each in names if partition_of(each.encode(), settings.partitions, "murmur2") == number)


def disordered(log, disorder_ms, seed):
    """The log as it might arrive: in order of time, but for delays below `disorder_ms`."""
    chance = random.Random(seed)
    return sorted(log, key=lambda each: occurred_at(each) + chance.randrange(disorder_ms))


def with_silences(log, seed, span_ms):
    """The log without what happened in half of all spans, chosen by chance for each contact."""
    return [each for each in log if random.Random(f"{seed} {each[0]} {occurred_at(each) // span_ms}").random() < 0.5]


def occurred_at(record):
    """When a touchpoint happened, in ms."""
    return milliseconds(json.loads(record[1])["occurred_at"])


class Watch(LiveReader):
    """A read_committed reader of tier changes that notes when it sees each; only demotions by silence."""

    def __init__(self, settings):
        self.seen = {}  # contact -> (the change, wall clock in ms)
        super().__init__(settings, f"{settings.topic_prefix}{settings.tier_changes_topic}")

    def _take(self, message):
        super()._take(message)
        change = json.loads(message.value())
        if change["cause"] == "inactivity":
            self.seen[change["contact_id"]] = change, now_ms()

    def wait_for(self, contacts, limit_s=10):
        """Until all of these contacts were seen being demoted."""
        deadline = time.monotonic() + limit_s
        while missing := contacts - self.seen.keys():
            assert time.monotonic() < deadline, f"{len(missing)} of {len(contacts)} not demoted"
            time.sleep(0.02)
