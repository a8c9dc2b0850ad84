"""The logs that fault runs publish: the same for the same seed, and long enough for every round."""

from __future__ import annotations

import json
from typing import ClassVar

from model.histories import Histories
from model.tables import DAY
from palier.contracts.moments import format_moment
from worker_kit.silence import contacts_in, disordered, occurred_at, touchpoint, with_silences
from worker_kit.touchpoints import nasty, shuffled, simulated
from worker_kit.truth import NEVER_S

DISORDER_MS = 2 * DAY
CONTACTS = 400  # at once, of each kind: few, so that every checkpoint meets some of them again


class Eventful:
    """A third goes where a fold breaks (ties, repeats, erasure, waking), the rest is lifelike, with values to refuse."""

    settings: ClassVar = {"clock": "event", "timer_grace": NEVER_S}

    def log(self, seed, count):
        """`count` records (key, value)."""
        lifelike = simulated(seed, contacts=CONTACTS, days=count // CONTACTS * 2 + 2)[: count * 2 // 3]
        return shuffled(seed, nasty(seed, count - len(lifelike), CONTACTS), lifelike)

    def closing(self, settings, log, sent):
        """(records to publish after the first `sent` of the log, moment up to which silence has then been noticed)."""
        return [], None


class Endless:
    """As eventful, made while it is published: the same contacts all the time, whose states have long been full."""

    settings: ClassVar = Eventful.settings
    CONTACTS = 5_000
    REMEMBERED = 60  # touchpoints of each contact at which later ones may aim
    PORTION = 5_000

    def log(self, seed, count):
        """As for Eventful, but not a list."""
        histories, left = Histories(seed, self.CONTACTS), count
        while left > 0:
            for one in histories.touchpoints(min(left, self.PORTION)):
                yield one["contact_id"].encode(), json.dumps(one, ensure_ascii=False).encode()
            left -= self.PORTION
            for contact in histories.slots:
                del contact.sent[: -self.REMEMBERED]

    def closing(self, settings, log, sent):
        """As for Eventful."""
        return [], None


class HotContact(Eventful):
    """One contact among the others does not stop: a life as eventful as theirs, but hundreds of times as dense."""

    KEY = b"the hot one"
    SHARE = 0.3
    DENSER = 30
    share = 0.0  # of what was sent

    def log(self, seed, count):
        """As for Eventful."""
        hot = self._life(seed, int(count * self.SHARE))
        return shuffled(seed, hot, super().log(seed, count - len(hot)))

    def closing(self, settings, log, sent):
        """As for Eventful."""
        self.share = sum(key == self.KEY for key, _ in log[:sent]) / sent
        return super().closing(settings, log, sent)

    def _life(self, seed, count):
        """The lives of a few, one after the other and in fast motion, as one."""
        life, of, newest = [], None, 0
        for contact_id, value in nasty(seed + 1, count, 1):
            moment = occurred_at((contact_id, value))
            if contact_id != of:
                of, began, begins = contact_id, moment, newest or moment
            told = begins + (moment - began) // self.DENSER
            newest = max(newest, told)
            one = json.loads(value) | {"contact_id": self.KEY.decode(), "occurred_at": format_moment(told)}
            life.append((self.KEY, json.dumps(one, ensure_ascii=False).encode()))
        return life


class Silences:
    """Contacts who fall silent, in a log whose disorder stays below the grace: a replay says when each is demoted."""

    settings: ClassVar = {"clock": "event", "timer_grace": DISORDER_MS / 1000}

    def log(self, seed, count):
        """As for Eventful."""
        return disordered(with_silences(nasty(seed, count * 3, CONTACTS), seed, 30 * DAY), DISORDER_MS, seed)[:count]

    def closing(self, settings, log, sent):
        """Everything due up to the newest touchpoint is noticed once each partition's clock is the grace ahead of it."""
        until_ms = max(map(occurred_at, log[:sent]))
        names = [next(contacts_in(settings, number, "nobody")) for number in range(settings.partitions)]
        return [touchpoint(name, "page.viewed", until_ms + DISORDER_MS) for name in names], until_ms
