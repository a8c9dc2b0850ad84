"""An hour under load with a fault every half minute: is everything exact, and does anything grow?

In tests/:  python -m chaos soak --minutes 60 --rate 2000 --seed 1 [--ledger FILE]

What workers hold (memory, objects, open files, threads, tasks) they write down themselves. The oracle streams: the source
goes through `palier replay` once more, and of tier changes only digests are kept.
"""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, linear_regression
from typing import ClassVar

from chaos.campaign import Fault, keep_logs
from chaos.cluster import pause, resume
from chaos.ledger import Entry
from chaos.traffic import Endless
from chaos.world import NotHealedError, Place, World
from model.chains import naive_faults
from palier.kafka.local import LocalKafka
from worker_kit.judge import Verdict, unrecorded
from worker_kit.reading import PARTITION_EOF, LiveReader, consumer
from worker_kit.touchpoints import touchpoints_topic

OBSERVED_WORKER = Path(__file__).with_name("observed_worker.py")
EVERY_S = 30.0
FROZEN_S = 4.0
PART_THAT_ENDS_ALL = 1 / 6
HEAL_LIMIT_S = 180.0  # a broker's start takes most of it where much else runs; the longest silence is told anyway
HELD = ("memory", "objects", "files", "threads", "tasks")
FULL_CHAINS = 50  # contacts whose whole history the naive model judges too


class Soak(Fault):
    """A fault by chance in each round.

    The first worker is spared kills: what it holds tells of growth. Faults that end every worker come in the first part
    only, so that its life is as long as the rest.
    """

    name, title = "soak", "soak: half load, a fault every 30 s"
    workers = 2
    partitions = 8
    rate = 2_000
    round_at_most_s = EVERY_S + 5
    traffic = Endless()
    settings: ClassVar = {"checkpoint_interval": 0.1}

    def __init__(self, minutes):
        self._spares_from_s = time.monotonic() + minutes * 60 * PART_THAT_ENDS_ALL

    @contextmanager
    def place(self, shared, folder):
        """A broker of its own: it is stopped and killed too."""
        with LocalKafka(folder / "kafka", heap="768m") as kafka:
            yield Place(kafka.brokers, kafka.brokers, kafka=kafka)

    def command(self, folder):
        """Workers that tell what they hold."""
        return [sys.executable, str(OBSERVED_WORKER), str(folder / "held.jsonl")]

    def round(self, world):
        began = time.monotonic()
        spares = began > self._spares_from_s
        what = world.chance.choice(FAULTS_OF_ONE if spares else FAULTS_OF_ONE + FAULTS_OF_ALL)(world)
        world.until_healed(HEAL_LIMIT_S)
        world.happened[what] += 1
        healed_s = time.monotonic() - began
        world.go_on(max(0.0, EVERY_S - healed_s))
        return f"{what}, healed after {healed_s:.1f} s"


# --- what happens every half minute -------------------------------------------------------------------------------------------
def kill_worker(world):
    """The second one."""
    world.workers[1].kill()
    world.workers[1].start()
    return "kill -9 of a worker"


def restart_worker(world):
    """SIGTERM, as a deployment does."""
    worker = world.workers[1]
    world.stop_worker(worker)
    worker.start()
    world.workers.append(worker)
    return "SIGTERM of a worker"


def freeze_worker(world):
    """Beyond its session: somebody else takes its partitions."""
    world.workers[1].process.send_signal(signal.SIGSTOP)
    world.go_on(world.settings.session_timeout * 2)
    world.workers[1].process.send_signal(signal.SIGCONT)
    return "freeze of a worker"


def join_and_leave(world):
    """A third worker, for some seconds: two rebalances."""
    worker = world.add_worker()
    world.until(worker.is_ready, "a third worker")
    world.until_healed()
    world.stop_worker(worker)
    return "a worker joins and leaves"


def restart_broker(world):
    """In good order."""
    world.place.kafka.stop()
    world.place.kafka.start()
    return "restart of the broker"


def kill_broker(world):
    """As a power cut would."""
    world.place.kafka.kill()
    world.place.kafka.start()
    return "kill -9 of the broker"


def freeze_broker(world):
    """For less than anybody's session or transaction lasts."""
    pause(world.place.kafka)
    try:
        world.go_on(FROZEN_S)
    finally:
        resume(world.place.kafka)
    return "freeze of the broker"


FAULTS_OF_ONE = (kill_worker, restart_worker, freeze_worker, join_and_leave, freeze_broker)
FAULTS_OF_ALL = (restart_broker, kill_broker)


# --- the oracle, for more records than memory holds ---------------------------------------------------------------------------
def digest(change):
    """Of a tier change without the time of noticing."""
    return hashlib.blake2b(json.dumps(unrecorded(change), sort_keys=True).encode(), digest_size=16).digest()


class DigestReader(LiveReader):
    """Keeps of every tier change (contact, sequence, digest)."""

    def _keep(self, message):
        change = json.loads(message.value())
        self.records[message.partition()].append((change["contact_id"], change["sequence"], digest(change)))


def streamed(settings, topic):
    """(partition, value) of every record up to the ends, kept by nobody."""
    reader, unfinished = consumer(settings, topic), set(range(settings.partitions))
    while unfinished:
        for message in reader.consume(20_000, 0.1):
            if message.error():
                assert message.error().code() == PARTITION_EOF, message.error()
                unfinished.discard(message.partition())
            else:
                yield message.partition(), message.value()
    reader.close()


def judge_streams(world):
    """The verdict on tier changes as both readers saw them, beside `palier replay` of the source."""
    verdict, log, chosen = Verdict(), world.folder / "source.jsonl", {}
    with log.open("wb") as file:
        for _, value in streamed(world.direct, touchpoints_topic(world.direct)):
            verdict.touchpoints += 1
            file.write(value + b"\n")
    wanted, full = defaultdict(list), defaultdict(list)
    with subprocess.Popen([sys.executable, "-m", "palier_cli", "replay", str(log)], stdout=subprocess.PIPE) as replay:
        for change in map(json.loads, replay.stdout):
            contact_id = change["contact_id"]
            wanted[contact_id].append(digest(change))
            if contact_id in chosen or len(chosen) < FULL_CHAINS:
                chosen[contact_id] = True
                full[contact_id].append(change)
    assert replay.returncode == 0
    _judge_by_naive_model(verdict, log, full)
    _judge_reader(verdict, wanted, world.committed, "read_committed", drops=False)
    _judge_reader(verdict, wanted, world.uncommitted, "read_uncommitted", drops=True)
    return verdict


def _judge_by_naive_model(verdict, log, full):
    """The replay itself, for some contacts: the naive model takes too long for all."""
    with log.open("rb") as file:
        values = [line for line in file if json.loads(line)["contact_id"] in full]
    verdict.faults += list(naive_faults(values, full))[:20]


def _judge_reader(verdict, wanted, reader, name, *, drops):
    """`drops`: the reader keeps the reader's rule, and drops what it has had."""
    got = defaultdict(list)
    for records in reader.records:
        for contact_id, sequence, seen in records:
            so_far = got[contact_id]
            if drops and sequence <= len(so_far):
                verdict.conflicting += so_far[sequence - 1] != seen
                continue
            so_far.append(seen)
    lost = sum(max(0, len(one) - len(got[contact_id])) for contact_id, one in wanted.items())
    doubled = sum(max(0, len(one) - len(wanted.get(contact_id, ()))) for contact_id, one in got.items())
    conflicting = sum(a != b for contact_id, one in wanted.items() for a, b in zip(one, got[contact_id], strict=False))
    if not drops:
        verdict.changes, verdict.lost, verdict.doubled = sum(map(len, got.values())), lost, doubled
        verdict.conflicting += conflicting
    if lost or doubled or conflicting:
        verdict.faults.append(f"{name}: {lost} lost, {doubled} doubled, {conflicting} conflicting")


# --- growth -------------------------------------------------------------------------------------------------------------------
def growth(held):
    """What a worker's longest life shows, after its first third: {what: (mean, change in an hour by linear regression)}."""
    lives = defaultdict(list)
    for line in held.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        lives[one["pid"]].append(one)
    life = max(lives.values(), key=len)
    settled = life[len(life) // 3 :]
    hours = [(one["at"] - settled[0]["at"]) / 3600 for one in settled]
    span = {"minutes": (hours[-1] * 60, 0.0)} if hours else {}
    return span | {
        name: (fmean(one[name] for one in settled), linear_regression(hours, [one[name] for one in settled]).slope)
        for name in HELD
    }


def soak(seed, minutes, rate, say):
    """(entry of the ledger, growth by worker): see `growth`."""
    fault, began, started = Soak(minutes), datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    fault.rate = rate
    rounds = max(1, round(minutes * 60 / EVERY_S))
    entry = Entry(fault.name, seed, began=began)
    with (
        tempfile.TemporaryDirectory() as name,
        fault.place(None, Path(name)) as place,
        World(fault, place, seed, rounds, Path(name), reader=DigestReader) as world,
    ):
        try:
            world.until_healed(HEAL_LIMIT_S)
            over = time.monotonic() + minutes * 60  # a round takes longer where the machine is busy
            while time.monotonic() < over:
                entry.rounds.append(fault.round(world))
                say(
                    f"  {len(entry.rounds):>4}  {entry.rounds[-1]}; {world.traffic.sent} sent, {world.committed.count} changes read, "
                    f"{world.committed.gaps} gaps, {world.committed.repeats} repeats"
                )
            entry.longest_silence_s, _ = world.drain()
            entry.take(judge_streams(world))
        except (NotHealedError, AssertionError) as error:
            entry.faults.append(str(error))
        grown = {file.parent.name: growth(file) for file in sorted(Path(name).glob("worker-*/held.jsonl"))[:2]}
        entry.take_ends(world.ends, fault.expected_ends)
        entry.happened = dict(world.happened)
        if entry.faults:
            keep_logs(world, entry)
    entry.seconds = round(time.monotonic() - started, 1)
    return entry, grown


def told(grown):
    """Growth as lines of text."""
    for worker, figures in grown.items():
        minutes, _ = figures.pop("minutes")
        yield f"  {worker}, the last {minutes:.0f} minutes of its longest life:"
        for name, (mean, slope) in figures.items():
            yield f"    {name:<8} {mean:10.1f} on average, {slope:+9.2f} an hour ({slope / mean:+.2%})"
