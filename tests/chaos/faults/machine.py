"""The machine under a worker or a broker: its disk is full, its wall clock is wrong."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import contextmanager
from typing import ClassVar
from unittest.mock import patch

from chaos.campaign import Fault
from chaos.clocks import DAY_S, HOUR_S, WallClock
from chaos.disks import SmallDisk, can_mount, no_file_longer_than
from chaos.faults.brokers import QUICK_START, START_LIMIT_S, BrokerFault
from chaos.world import Place
from model.naive import milliseconds
from palier.contracts.records import BATCH_HEADER
from palier.contracts.topics import topic_contracts
from palier.engine.meta import META_KEY, decode_meta
from palier.errors import ExitCode
from palier.kafka.local import LocalKafka
from worker_kit.reading import changelog_topic, ends, output_topic, read_all
from worker_kit.silence import advocate, now_ms
from worker_kit.topics import set_on_topic
from worker_kit.touchpoints import touchpoints_topic


# --- disks ------------------------------------------------------------------------------------------------------------------
class StoreDiskFull(Fault):
    """The disk of contacts at rest is full, at work and at a start, and has room again some time later."""

    name, title = "store-disk-full", "the disk of the worker's store is full (rocksdb)"
    workers = 1
    settings: ClassVar = {"store": "rocksdb://"}
    expected_ends = frozenset({ExitCode.INTERNAL})
    round_at_most_s = 60.0
    rate = 150
    undoes = False  # what is written to the store is committed already
    disk_mib = 96  # RocksDB reserves some 17 MiB for the log of each partition

    @contextmanager
    def place(self, shared, folder):
        data = folder / "worker-1" / "data"
        if can_mount(data):
            with SmallDisk(data, self.disk_mib) as self._disk:
                yield shared
        else:
            self._disk = None
            yield shared

    def round(self, world):
        (worker,) = world.workers
        world.until(lambda: worker.endpoint is not None, "the worker's start")
        before = world.ends.copy()
        if self._disk is None:
            what = "no file may grow"
            with no_file_longer_than(worker.process.pid, 2 * worker.log_path.stat().st_size + 65_536):
                self._wait_for_its_end(world, before, worker)
        else:
            what = "disk full"
            self._disk.fill()
            self._wait_for_its_end(world, before, worker)
            world.go_on(world.chance.uniform(0, 5))  # it is started again, and may not come so far
            self._disk.free()
        world.until_healed()
        return what

    def _wait_for_its_end(self, world, before, worker):
        """With a reason that names a file or folder of the store, and what the system says."""
        data = str(worker.log_path.parent / "data")

        def named():
            return [why for _, why in world.ends - before if data in why]

        world.until(named, "the worker's end for its disk")
        world.happened.update("no space" if "No space" in why else "other words" for why in named()[:1])


class BrokerDiskFull(BrokerFault):
    """A broker whose only disk is full ends itself; with room again it is started again."""

    name, title = "broker-disk-full", "the broker's disk is full"
    round_at_most_s = 60.0
    disk_mib = 64
    least_free_bytes = 1 << 20  # what a start needs is there, and soon used up

    @contextmanager
    def place(self, shared, folder):
        data = folder / "kafka" / "data"
        assert can_mount(data), "needs the right to mount"
        with (
            SmallDisk(data, self.disk_mib) as self._disk,
            patch.dict(os.environ, QUICK_START),
            LocalKafka(folder / "kafka") as kafka,
        ):
            yield Place(kafka.brokers, kafka.brokers, kafka=kafka)

    def hurt(self, world, kafka):
        self._disk.fill(leave_bytes=world.chance.randrange(64 * 1024))
        world.until(lambda: kafka.pid is None, "the broker's end")
        self._disk.free()
        kafka.start(START_LIMIT_S)
        return "disk full, the broker ended itself"


# --- clocks -----------------------------------------------------------------------------------------------------------------
GRACE_S = 0.5
FAR_S = 400 * DAY_S
JUMPS_S = (HOUR_S, -HOUR_S, FAR_S, -FAR_S)
ANY_TIME = str(2**63 - 1)
FIRST_DUE_S = 20 * 60  # by the true clock nobody is due before a campaign is over
SOON_S, LATE_S = 50 * 60, 80 * DAY_S


class FallingSilent:
    """Each contact has one tier at once, and would lose it at a known moment: half of them within the hour.

    So the clock decides who is demoted when, and for ever what the demotion is.
    """

    settings: ClassVar = {"clock": "wall", "timer_grace": GRACE_S}
    RECORDS = 3  # of each contact

    def __init__(self, clock):
        self._clock = clock
        self.due_of = {}  # contact -> moment, in the order of the log

    def log(self, seed, count):
        """As for Eventful."""
        began_ms, log = now_ms(), []
        for number in range(count // self.RECORDS + 1):
            part = number % 1_000 / 1_000
            after_s = (FIRST_DUE_S, SOON_S) if number % 2 else (2 * HOUR_S, LATE_S)
            due_ms = began_ms + int(1_000 * (after_s[0] + part * (after_s[1] - after_s[0])))
            contact = f"silent-{seed}-{number}"
            self.due_of[contact] = due_ms
            log += advocate(contact, due_ms)
        return log[:count]

    def whole(self, sent):
        """Contacts of whom the first `sent` records have everything."""
        return list(self.due_of)[: sent // self.RECORDS]

    def closing(self, settings, log, sent):
        """As for Eventful: the clock goes so far ahead that everybody is due, and everybody is noticed."""
        accept_any_time(settings)
        self._clock.set_ahead(FAR_S)
        topic = output_topic(settings, settings.tier_changes_topic)
        deadline = time.monotonic() + 60
        while demotions(read_all(settings, topic)[topic]).keys() != set(self.whole(sent)):
            assert time.monotonic() < deadline, "not everybody was demoted in the end"
            time.sleep(1)
        return [], now_ms() + 1_000 * 100 * DAY_S


class NotYetSilent(FallingSilent):
    """The same as long as nobody is due."""

    def closing(self, settings, log, sent):
        """As for Eventful."""
        return [], now_ms()


class ClockFault(Fault):
    """The worker has a wall clock of its own."""

    contacts = FallingSilent

    workers = 1
    rate = 40
    settings: ClassVar = {"session_timeout": 10.0, "fetch_records": 200}
    round_at_most_s = 40.0
    undoes = False

    @contextmanager
    def place(self, shared, folder):
        self._clock = WallClock(folder / "clock")
        self.traffic = self.contacts(self._clock)
        self._round, self._back_ms = 0, 0
        yield shared

    def environment(self, world):
        return self._clock.environment


class ClockFarAhead(ClockFault):
    """By more than the broker lets records be: it refuses them, and nobody is demoted for the clock's sake."""

    name, title = "clock-refused", "the wall clock jumps by 400 days, and the broker refuses records from the future"
    contacts = NotYetSilent
    expected_ends = frozenset({ExitCode.INTERNAL})

    def round(self, world):
        before = world.ends.total()
        self._clock.set_ahead(FAR_S)
        world.until(lambda: world.ends.total() > before, "the worker's end")
        world.go_on(world.chance.uniform(0, 10))
        self._clock.set_ahead(0)
        assert all("set this machine's clock" in why for _, why in world.ends), world.ends
        world.until_healed()
        assert not demotions(world.committed.records), "somebody was demoted for the clock's sake"
        return f"{world.ends.total() - before} ends"


class ClockJumps(ClockFault):
    """The worker's clock jumps while records lie unread, and back in the same way; the broker takes any time."""

    name, title = "clock-jumps", "the wall clock jumps by an hour or 400 days, forward and back"
    expected_ends = frozenset()

    def prepare(self, world):
        accept_any_time(world.direct)

    def judging(self, world):
        return {"compacted": True}  # at once, what seems to be so old

    def round(self, world):
        jump_s = JUMPS_S[self._round % len(JUMPS_S)]
        self._round += 1
        earlier = demotions(world.committed.records).keys()  # perhaps noticed by a clock that was further ahead
        unread = self._jump(world, jump_s)
        jumped_ms, known = self._clock.now_ms(), self.traffic.whole(world.traffic.sent)
        due = {contact for contact in known if self.traffic.due_of[contact] + 1_000 * GRACE_S <= jumped_ms}
        world.until(lambda: due <= demotions(world.committed.records).keys(), "the demotion of those due by the clock")
        world.go_on(2)
        self._back_ms = max(self._back_ms, -1_000 * jump_s)
        self._check(world, earlier, jumped_ms, unread if jump_s > 0 else None)
        before = len(demotions(world.committed.records))
        self._jump(world, 0)
        world.until_healed()
        world.happened[f"{jump_s:+d} s"] += 1
        return f"{jump_s:+d} s: {len(due)} due, {before} demoted so far"

    def _jump(self, world, ahead_s):
        """While the worker has records to read; where their partitions ended then."""
        (worker,) = world.workers
        worker.process.send_signal(signal.SIGSTOP)
        world.go_on(1)
        self._clock.set_ahead(ahead_s)
        unread = ends(world.direct, touchpoints_topic(world.direct))
        worker.process.send_signal(signal.SIGCONT)
        return unread

    def _check(self, world, earlier, jumped_ms, unread):
        """Nobody was demoted before the clock said so, and with records left to read nobody was for the jump's sake.

        Raises:
            AssertionError: somebody was.
        """
        found = demotions(world.committed.records)
        for contact, (change, _) in found.items():
            due_ms, noticed_ms = milliseconds(change["occurred_at"]), milliseconds(change["recorded_at"])
            assert due_ms == self.traffic.due_of[contact], f"{contact} was demoted at another moment: {change}"
            # A clock that was put back dates the noticing; what was read tells of a later time all the same.
            assert noticed_ms + self._back_ms >= due_ms + 1_000 * GRACE_S, (
                f"{contact} was demoted before the clock said so: {change}"
            )
        if unread is None:
            return
        read = read_by_batch(world.direct)
        for contact, (change, message) in found.items():
            if contact not in earlier and milliseconds(change["recorded_at"]) >= jumped_ms:
                batch = int(dict(message.headers())[BATCH_HEADER])
                left = unread[message.partition()] - read[message.partition()][batch]
                assert left <= 0, f"{contact} was demoted with {left} records unread: {change}"


def accept_any_time(settings):
    """Records may be from any time, on every topic: by default one that is an hour ahead of its broker is refused."""
    for contract in topic_contracts(settings):
        set_on_topic(settings, contract.name, "message.timestamp.after.max.ms", ANY_TIME)


def demotions(partitions):
    """Contact -> (tier change by silence, its message), of tier changes by partition."""
    found = {}
    for messages in partitions:
        for message in messages:
            if b'"inactivity"' in message.value():
                change = json.loads(message.value())
                found[change["contact_id"]] = change, message
    return found


def read_by_batch(settings):
    """Up to where each partition was read when a batch was committed: for each, number -> position."""
    topic, changelog = touchpoints_topic(settings), changelog_topic(settings)
    metas = [
        [decode_meta(message.value()) for message in messages if message.key() == META_KEY]
        for messages in read_all(settings, changelog)[changelog]
    ]
    return [{meta.batch_number: meta.positions[topic] for meta in ones} for ones in metas]


FAULTS = (StoreDiskFull(), BrokerDiskFull(), ClockJumps(), ClockFarAhead())
