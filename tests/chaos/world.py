"""One application under traffic: workers under supervision, readers that never stop, and what happened to them."""

from __future__ import annotations

import asyncio
import random
import signal
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from palier.kafka.topics import apply_topics
from palier.settings import Settings
from worker_kit.judge import judge
from worker_kit.process import Worker
from worker_kit.reading import LiveReader, left_open, output_topic, wait_until_drained
from worker_kit.touchpoints import Traffic, publish, touchpoints_topic

LOOK_S = 0.02
HEAL_LIMIT_S = 60.0
QUIET_S = 2.0
CRASHED = -9


class NotHealedError(Exception):
    """Something that had to come did not come in time."""


@dataclass(frozen=True)
class Place:
    """A Kafka to be at. Workers reach it at `brokers`, everybody else at `direct`, past a proxy if there is one."""

    brokers: str
    direct: str
    shortest_session_s: float = 2.0
    kafka: Any = None  # what can be killed, if it may be
    proxy: Any = None


class World:
    """Everything of one campaign; a context manager that leaves no process behind.

    Only `until` and what is built on it look after the workers: one that has ended by itself is started again, as a
    supervisor does, and how it ended is counted in `ends`.
    """

    def __init__(self, fault, place, seed, rounds, folder, reader=LiveReader):
        self.fault, self.place, self.folder = fault, place, folder
        self.chance = random.Random(f"{fault.name} {seed}")
        common = {
            "topic_prefix": f"chaos-{uuid.uuid4().hex[:8]}-",
            "partitions": fault.partitions,
            "metrics_port": 0,
            "session_timeout": place.shortest_session_s,
            "checkpoint_interval": 0.02,  # so short that a transaction is nearly always under way
        } | fault.traffic.settings | fault.settings  # fmt: skip
        self.settings = Settings(brokers=place.brokers, **common)
        self.direct = Settings(brokers=place.direct, **common)
        self.ends = Counter()  # (exit code, reason) of workers that ended by themselves
        self.happened = Counter()  # what the fault did, in its own words
        self.workers: list[Worker] = []
        self._log = fault.traffic.log(seed, int(rounds * fault.round_at_most_s * fault.rate) + 2_000)
        self._made = 0
        self._reader = reader
        self._stack = ExitStack()

    def __enter__(self):
        asyncio.run(apply_topics(self.direct, lambda _: None))
        self.fault.prepare(self)
        topic = output_topic(self.direct, self.direct.tier_changes_topic)
        self.committed = self._reader(self.direct, topic)
        self.uncommitted = self._reader(self.direct, topic, isolation="read_uncommitted")
        for _ in range(self.fault.workers):
            self.add_worker()
        self.traffic = Traffic(self.direct, self._log, self.fault.rate)
        return self

    def __exit__(self, *_):
        self._stack.close()
        self.traffic.finish()
        self.committed.leave()
        self.uncommitted.leave()

    # --- workers ----------------------------------------------------------------------------------------------------------
    def add_worker(self, **variables):
        """One more worker, with a folder of its own."""
        self._made += 1
        folder, fault = self.folder / f"worker-{self._made}", self.fault
        worker = Worker(self.settings, folder, fault.command(folder), **(fault.environment(self) | variables))
        self.workers.append(self._stack.enter_context(worker))
        return worker

    def stop_worker(self, worker, limit_s=15):
        """SIGTERM, and no new start; the exit code is counted if it is not 0."""
        self.workers.remove(worker)
        had_begun = worker.endpoint is not None
        code = worker.stop(limit_s=limit_s)
        if code == -signal.SIGTERM and not had_begun:
            return 0  # so early in its start that Python had not yet got as far as our handler
        if code != 0:
            self.ends[code, worker.last_words or worker.log.splitlines()[-1]] += 1
        return code

    def any_worker(self):
        """One by chance."""
        return self.chance.choice(self.workers)

    def supervise(self):
        """Start again who has ended by himself."""
        for worker in self.workers:
            code = worker.process.poll()
            if code is not None:
                self.ends[code, worker.last_words] += 1
                worker.start()

    # --- time -------------------------------------------------------------------------------------------------------------
    def until(self, condition, what, limit_s=HEAL_LIMIT_S, *, supervised=True):
        """Look after the workers until it holds. `supervised`: start those that end.

        Raises:
            NotHealedError: it did not within the limit. `what` says what was waited for.
        """
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise NotHealedError(f"not within {limit_s:.0f} s: {what}")
            if supervised:
                self.supervise()
            time.sleep(LOOK_S)

    def go_on(self, seconds):
        """Look after the workers for so long."""
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            self.supervise()
            time.sleep(min(LOOK_S, left))

    def until_healed(self, limit_s=HEAL_LIMIT_S):
        """Until downstream has heard of tier changes from every partition anew."""
        assert self.traffic.is_alive(), "the log is over: what follows proves nothing any more"
        before = list(map(len, self.committed.records))

        def silent():
            return [number for number, then in enumerate(before) if len(self.committed.records[number]) == then]

        try:
            self.until(lambda: not silent(), "tier changes of every partition", limit_s)
        except NotHealedError as error:
            looked = (
                f"none of partitions {silent()}; left open: {sorted(left_open(self.direct, looks=20)) or 'nothing'}"
            )
            raise NotHealedError(f"{error}: {looked}") from None

    # --- the end ----------------------------------------------------------------------------------------------------------
    def drain(self):
        """Everything published is worked off and read; the workers have ended with 0.

        Returns (longest silence in seconds, moment up to which silence is noticed: see `judge`).
        """
        self.traffic.finish()
        silence_s = self.committed.longest_silence_s
        closing, until_ms = self.fault.traffic.closing(self.direct, self._log, self.traffic.sent)
        publish(self.direct, closing)
        topic = touchpoints_topic(self.direct)
        wait_until_drained(self.direct, topic, [_Supervised(self)], restart=True, limit_s=120)
        if until_ms is not None:
            self._until_quiet()
        for worker in list(self.workers):
            if self.stop_worker(worker) != 0:
                raise NotHealedError(f"a worker did not stop with 0: {worker.last_words}")
        for reader in (self.committed, self.uncommitted):
            reader.finish(self.direct)
        return silence_s, until_ms

    def finish(self):
        """Drain, and judge all that lies in Kafka: (verdict, longest silence in seconds)."""
        silence_s, until_ms = self.drain()
        verdict = judge(
            self.direct,
            self.folder,
            seen_live=self.committed.records,
            seen_uncommitted=self.uncommitted.records,
            until_ms=until_ms,
            **self.fault.judging(self),
        )
        return verdict, silence_s

    def _until_quiet(self):
        """Timers take what is due in portions; the last was taken when nothing comes any more."""
        heard = -1
        while self.committed.count != heard:
            heard = self.committed.count
            self.go_on(QUIET_S)


class _Supervised:
    """A world's workers, for whoever looks after one worker."""

    def __init__(self, world):
        self.keep_running = world.supervise
