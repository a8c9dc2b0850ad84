"""Topics, traffic and worker processes for the chain."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from zlib import crc32

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from engine_kit.judge import ends, positions

WORKER = Path(__file__).with_name("chain_worker.py")
NOT_COMPACTED = {"cleanup.policy": "delete"}  # so that the judge sees every transaction


def create_topics(brokers, name, partitions):
    """Source, output and changelog."""
    admin = AdminClient({"bootstrap.servers": brokers})
    topics = [
        NewTopic(f"{name}-source", partitions, 1),
        NewTopic(f"{name}-out", partitions, 1),
        NewTopic(f"{name}-chain-changelog", partitions, 1, config=NOT_COMPACTED),
    ]
    for future in admin.create_topics(topics).values():
        future.result()


def delete_topics(brokers, name):
    """All three."""
    topics = [f"{name}-source", f"{name}-out", f"{name}-chain-changelog"]
    admin = AdminClient({"bootstrap.servers": brokers})
    for future in admin.delete_topics(topics).values():
        future.result()


class Traffic(threading.Thread):
    """Records at a steady rate until stopped or `seconds` are over."""

    def __init__(self, brokers, name, partitions, rate, seconds, keys=500, seed=1):
        super().__init__(daemon=True)
        self._producer = Producer(
            {"bootstrap.servers": brokers, "linger.ms": 5, "enable.idempotence": True, "log_level": 0}
        )
        self._topic, self._rate, self._seconds = f"{name}-source", rate, seconds
        self._names = [b"key-%d" % number for number in range(keys)]
        self._partitions = [crc32(key) % partitions for key in self._names]
        self._random = random.Random(seed)
        self._finished = threading.Event()
        self.sent = 0

    def run(self):
        started = time.monotonic()
        while (elapsed := time.monotonic() - started) < self._seconds and not self._finished.is_set():
            while self.sent < elapsed * self._rate:
                number = int(len(self._names) * self._random.random() ** 2)  # a few hot keys
                try:
                    self._producer.produce(self._topic, b"", self._names[number], partition=self._partitions[number])
                except BufferError:  # the broker is away: what waits must go first
                    self._producer.poll(0.1)
                    continue
                self.sent += 1
                if self.sent % 500 == 0:
                    self._producer.poll(0)
            self._producer.poll(0)
            time.sleep(0.005)
        assert self._producer.flush(30) == 0

    def finish(self):
        """Stop and wait until everything is acknowledged."""
        self._finished.set()
        self.join()


class Worker:
    """One worker process."""

    def __init__(self, brokers, name, partitions, folder, session_s=3.0):
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "worker.log"
        self._arguments = [brokers, name, str(partitions), str(folder / "data"), str(session_s)]
        self.exits = []
        self.start()

    def start(self):
        """Start or start again."""
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", str(WORKER), *self._arguments], stdout=log, stderr=log
            )

    def wait_until_at_work(self, limit_s=40):
        """Until this start has got through a recovery."""
        deadline = time.monotonic() + limit_s
        while b"changelog records of" not in self.log.read_bytes()[self._log_start :]:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def keep_running(self):
        """What a supervisor does: start it again if it ended."""
        if self.process.poll() is not None:
            self.exits.append(self.process.returncode)
            self.start()

    def kill(self):
        """Kill -9, and no new start."""
        self.process.kill()
        self.process.wait()

    def stop(self, limit_s=25):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return "killed"


def wait_until_drained(brokers, name, partitions, workers=(), limit_s=60):
    """Until META of every partition stands at the end of the source."""
    deadline = time.monotonic() + limit_s
    while True:
        for worker in workers:
            worker.keep_running()
        done, wanted = positions(brokers, name, partitions), ends(brokers, f"{name}-source", partitions)
        if done == wanted:
            return
        assert time.monotonic() < deadline, f"not drained: META at {done}, source ends at {wanted}"
        time.sleep(0.3)
