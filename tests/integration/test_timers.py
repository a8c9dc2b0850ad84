"""Demotions without an event, on real Kafka: the same as in a replay, on time, and never for an outage of ours."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from itertools import chain, islice

import pytest

from model.naive import milliseconds
from model.tables import DAY
from palier.contracts.moments import format_moment
from palier.contracts.records import BATCH_HEADER
from palier.domain.demotion import expire, next_demotion_at
from palier.engine.meta import META_KEY, decode_meta
from worker_kit.judge import chain_faults
from worker_kit.process import Worker
from worker_kit.reading import LiveReader, changelog_topic, ends, output_topic, read_all, wait_until_drained
from worker_kit.silence import (
    PACK,
    Watch,
    advocate,
    contacts_in,
    disordered,
    now_ms,
    occurred_at,
    states_of,
    touchpoint,
    with_silences,
)
from worker_kit.touchpoints import Traffic, nasty, producer, publish, touchpoints_topic
from worker_kit.truth import replayed

pytestmark = pytest.mark.kafka

GRACE_S = 0.5
PUNCTUAL_S = GRACE_S + 2


# --- the event clock: what a replay gives ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("seed", "killed"), [(1, False), (2, True)], ids=["undisturbed", "killed half-way"])
def test_timers_give_the_chains_of_a_replay(make_settings, tmp_path, seed, killed):
    """Disorder below the grace, each partition closed at T + grace: per contact the chain of `replay --until T`.

    T is the very moment at which some contact loses a tier, so that it is seen on which side of the edge it falls.
    """
    settings = make_settings(clock="event", timer_grace=2 * DAY / 1000)
    log = disordered(with_silences(nasty(seed, 20_000, 400), seed, 30 * DAY), 2 * DAY, seed)[:8_000]
    until_ms = median_due(log)
    wanted, refused = replayed([value for _, value in log], tmp_path, "--until", format_moment(until_ms))
    assert not refused
    closing = [
        touchpoint(next(contacts_in(settings, number, "nobody")), "page.viewed", until_ms + 2 * DAY)
        for number in range(settings.partitions)
    ]
    reader = LiveReader(settings, output_topic(settings, settings.tier_changes_topic))
    with Worker(settings, tmp_path) as worker:
        worker.wait_until_ready()
        traffic = Traffic(settings, log, rate=2_000)
        if killed:
            wait_until(lambda: traffic.sent > len(log) // 2)
            worker.kill()
            worker.start()
        traffic.join()
        publish(settings, closing)
        wait_until_drained(settings, touchpoints_topic(settings), [worker])
        wait_until(lambda: reader.count >= sum(map(len, wanted.values())))
        assert worker.stop() == 0, worker.log
    reader.finish(settings)
    changes = list(chain(*reader.records))
    assert list(chain_faults(wanted, changes)) == []
    silences = [change for one in wanted.values() for change in one if change["cause"] == "inactivity"]
    assert len(silences) > 150
    assert noticed_by_timers(log, changes) > 100
    assert any(milliseconds(change["occurred_at"]) == until_ms for change in silences)
    assert any(chain[-1]["held"] for chain in wanted.values() if "held" in chain[-1]), "nobody is left to demote"


def median_due(log):
    """When, after a log, half of those contacts have lost a tier that will lose one."""
    newest_ms = max(map(occurred_at, log))
    pending = []
    for key, state in states_of(log).items():
        expire(state, key.decode(), newest_ms, PACK)
        if state.held and (due_ms := next_demotion_at(state, PACK)) is not None:
            pending.append(due_ms)
    return sorted(pending)[len(pending) // 2]


def noticed_by_timers(log, changes):
    """How many demotions were noticed before the contact's next touchpoint, if there was one."""
    moments = defaultdict(list)
    for record in log:
        moments[record[0].decode()].append(occurred_at(record))
    noticed = 0
    for change in map(json.loads, (message.value() for message in changes)):
        lost_ms, recorded_ms = milliseconds(change["occurred_at"]), milliseconds(change["recorded_at"])
        later = [moment for moment in moments[change["contact_id"]] if moment > lost_ms]
        noticed += change["cause"] == "inactivity" and (not later or recorded_ms < min(later))
    return noticed


def wait_until(condition, limit_s=20):
    """Until it holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- the wall clock -------------------------------------------------------------------------------------------------------
def test_demotions_come_on_time_but_none_while_upstream_hangs(make_settings, tmp_path):
    """Due -> readable within grace + 2 s. An open transaction of upstream holds back its own partitions, no others.

    What lies in it may be activity: once it ends, the active stay what they are and the silent are demoted.
    """
    settings = make_settings(timer_grace=GRACE_S)
    places = [contacts_in(settings, number, "contact") for number in range(settings.partitions)]
    active, silent = ({each for place in places[:2] for each in islice(place, 15)} for _ in range(2))
    watch = Watch(settings)
    with Worker(settings, tmp_path) as worker:
        worker.wait_until_ready()
        first_due_ms = now_ms() + 4_000
        due = dict.fromkeys(sorted(active | silent), first_due_ms)
        punctual = {each: first_due_ms + 40 * number for number, each in enumerate(islice(places[2], 40))}
        publish(settings, [each for pair in (due | punctual).items() for each in advocate(*pair)])
        wait_until_drained(settings, touchpoints_topic(settings), [worker])
        upstream = producer(settings, **{"transactional.id": f"{settings.topic_prefix}upstream"})
        upstream.init_transactions()
        upstream.begin_transaction()
        for contact in sorted(active):
            key, value = touchpoint(contact, "review.posted", first_due_ms - 1_000)
            upstream.produce(touchpoints_topic(settings), value, key)
        upstream.flush()
        assert now_ms() < first_due_ms, "everything must be in place before the first is due"
        watch.wait_for(punctual.keys())
        sleep_until(first_due_ms + 1_000 * (PUNCTUAL_S + 1))
        assert watch.seen.keys() == punctual.keys(), "hidden records are no silence"
        upstream.commit_transaction()
        watch.wait_for(silent)
        time.sleep(0.5)  # at least one more look at all partitions
        assert worker.stop() == 0, worker.log
    watch.finish(settings)
    assert watch.seen.keys() == silent | punctual.keys()
    for contact, due_ms in punctual.items():
        change, seen_ms = watch.seen[contact]
        assert milliseconds(change["occurred_at"]) == due_ms
        assert milliseconds(change["recorded_at"]) >= due_ms + 1_000 * GRACE_S, "not before the grace is over"
        assert seen_ms <= due_ms + 1_000 * PUNCTUAL_S


def sleep_until(moment_ms):
    """By the wall clock."""
    time.sleep(max(0, moment_ms - now_ms()) / 1000)


def test_an_outage_is_no_silence(make_settings, tmp_path):
    """Nobody is demoted whose activity lies unread; the silent ones are demoted once everything is read, not before.

    All activity published during the outage is older than what is due, so that only the wall clock can demote.
    """
    settings = make_settings(timer_grace=GRACE_S, fetch_records=100)
    places = [contacts_in(settings, number, "contact") for number in range(settings.partitions)]
    active, silent = ({each for place in places for each in islice(place, 10)} for _ in range(2))
    watch = Watch(settings)
    with Worker(settings, tmp_path) as worker:
        worker.wait_until_ready()
        due_ms = now_ms() + 4_000
        publish(settings, [each for contact in sorted(active | silent) for each in advocate(contact, due_ms)])
        wait_until_drained(settings, touchpoints_topic(settings), [worker])
        worker.kill()
        assert now_ms() < due_ms, "the outage must begin before they are due"
        sleep_until(due_ms + 1_000 * (GRACE_S + 0.5))
        publish(settings, [touchpoint(f"other-{number}", "page.viewed", due_ms - 1_000) for number in range(8_000)])
        publish(settings, [touchpoint(contact, "review.posted", due_ms - 1_000) for contact in sorted(active)])
        backlog = ends(settings, touchpoints_topic(settings))
        worker.start()
        watch.wait_for(silent, limit_s=20)
        time.sleep(0.5)  # at least one more look at all partitions
        assert worker.stop() == 0, worker.log
    watch.finish(settings)
    assert watch.seen.keys() == silent
    assert read_at_demotion(settings, watch) == dict(enumerate(backlog))


def read_at_demotion(settings, watch):
    """Up to which offset each partition had been read when its first demotion by silence was committed."""
    topic, changelog = touchpoints_topic(settings), changelog_topic(settings)
    positions = {}
    for number, records in enumerate(read_all(settings, changelog)[changelog]):
        metas = [decode_meta(record.value()) for record in records if record.key() == META_KEY]
        positions[number] = {meta.batch_number: meta.positions[topic] for meta in metas}
    first = {}
    for number, changes in enumerate(watch.records):
        for message in changes:
            if json.loads(message.value())["cause"] == "inactivity":
                first.setdefault(number, int(dict(message.headers())[BATCH_HEADER]))
    return {number: positions[number][batch_number] for number, batch_number in first.items()}
