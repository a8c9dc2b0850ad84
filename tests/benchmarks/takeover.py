"""How long tier changes stay away when a worker is killed, or told to go, and another has its partitions warm.

    PYTHONPATH=tests python -m benchmarks.takeover --contacts 100000 --session-timeouts 6 15

Starts a local Apache Kafka, fills the changelog of an application, starts two workers with PALIER_STANDBYS=1 and steady
traffic, and then in rounds ends one of them: by kill -9 (seconds from the kill to the next tier change that a
read_committed reader sees, in each partition it owned; the goal is the session timeout and 2 s), and by SIGTERM (the longest
silence of each partition it owned; the goal is 3 s). Prints one Markdown table and stops what it started. Exit code 1: a
tier change was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, Self

from benchmarks import report
from benchmarks.engaging import ArrivalReader, SteadyTraffic
from benchmarks.moving import END_MS, fill
from benchmarks.recovering import NEVER_S, crowd
from palier.kafka.local import LocalKafka
from palier.settings import Settings
from worker_kit.process import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

KILL, TERM = "kill -9", "SIGTERM"
OWNED: Final = re.compile(r"generation \d+: partitions (\[.*?\]) to recover, (\[.*?\]) retained, (\[.*?\]) standby")
SILENCE_S: Final = 1.0  # of a partition, that is no calm yet
LIMIT_S: Final = 120.0
GOAL_S: Final = {KILL: 2.0, TERM: 3.0}  # on top of the session timeout, and by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One blow. `seconds`: those of each partition that the worker owned."""

    store: str
    session_timeout_s: float
    blow: str
    seconds: list[float]

    @property
    def goal_s(self) -> float:
        """The longest that a partition may be silent."""
        return GOAL_S[self.blow] + (self.session_timeout_s if self.blow == KILL else 0.0)


class Pair:
    """Two workers, each of which has warm copies of what the other owns."""

    def __init__(self, settings: Settings, folder: Path, reader: ArrivalReader, calm_s: float) -> None:
        """Starts both and waits until all is calm; `calm_s`: as long as that without a rebalance is calm."""
        self._partitions, self._reader, self._calm_s = settings.partitions, reader, calm_s
        self._workers = [Worker(settings, folder / str(number)) for number in range(2)]
        self.settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for worker in self._workers:
            worker.kill()

    def settle(self) -> None:
        """Wait until both own partitions, have the rest warm, and no rebalance has come for a while."""
        deadline, calm_since, seen = time.monotonic() + LIMIT_S, time.monotonic(), None
        while True:
            for worker in self._workers:
                worker.wait_until_ready(LIMIT_S)
            shares = [_share(worker) for worker in self._workers]
            if shares != seen:
                calm_since, seen = time.monotonic(), shares
            owned = sorted(number for active, _ in shares for number in active)
            warm = sorted(number for _, standby in shares for number in standby)
            everything = list(range(self._partitions))
            if owned == warm == everything and all(active for active, _ in shares):
                since = time.monotonic() - self._calm_s
                gaps = [self._reader.longest_gap(number, since).seconds for number in everything]
                if calm_since < since and max(gaps) < SILENCE_S:
                    return
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"no calm: {shares}; {self._workers[0].log[-2_000:]} {self._workers[1].log[-2_000:]}"
                )
            time.sleep(0.1)

    def strike(self, number: int, blow: str, quiet_s: float) -> list[float]:
        """End a worker, wait `quiet_s` and until its heir is at work; seconds of each partition. Then start it again."""
        victim, everything = self._workers[number], set(range(self._partitions))
        owned, _ = _share(victim)
        struck = time.monotonic()
        if blow == KILL:
            victim.kill()
        elif (code := victim.stop(limit_s=30)) != 0:
            raise RuntimeError(f"SIGTERM ended with {code}: {victim.log[-2_000:]}")
        deadline = struck + quiet_s + LIMIT_S
        while set(_share(self._workers[1 - number])[0]) != everything or time.monotonic() < struck + quiet_s:
            if time.monotonic() > deadline:
                raise RuntimeError(f"nobody took over: {self._workers[1 - number].log[-2_000:]}")
            time.sleep(0.1)
        time.sleep(self._calm_s)
        gaps = [self._reader.longest_gap(partition, struck) for partition in owned]
        victim.start()
        return [gap.end - struck if blow == KILL else gap.seconds for gap in gaps]

    def stop(self) -> None:
        """Both leave in good order."""
        if codes := [code for worker in self._workers if (code := worker.stop(limit_s=30)) != 0]:
            raise RuntimeError(f"ended with {codes}")


def _share(worker: Worker) -> tuple[list[int], list[int]]:
    """Partitions a worker owns and those it keeps warm, by the last line of its log that tells."""
    told = OWNED.findall(worker.log)
    if not told:
        return [], []
    to_recover, retained, standby = map(json.loads, told[-1])
    return [*to_recover, *retained], standby


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every `with` stops what it started
    rounds, faults = [], []
    with tempfile.TemporaryDirectory(prefix="palier-takeover-") as folder:
        for number, (store, session_s) in enumerate(
            (store, session_s) for store in options.stores for session_s in options.session_timeouts
        ):
            found, wrong = run(options, store, session_s, Path(folder) / str(number))
            rounds += found
            faults += wrong
    print(f"{options.contacts:,} contacts in {options.partitions} partitions, {options.rate:.0f} touchpoints/s.\n")
    print(table(rounds))
    print(f"\n{report.versions()}.\n{report.machine()}.")
    if options.json:
        text = json.dumps({"machine": report.machine(), "rounds": [asdict(one) for one in rounds]}, indent=1)
        options.json.write_text(text + "\n")
    for fault in faults:
        print(f"WRONG COUNTS: {fault}")
    return 1 if faults else 0


def run(options: argparse.Namespace, store: str, session_s: float, folder: Path) -> tuple[list[Round], list[str]]:
    """All rounds with one store and one session timeout, on a broker of their own; what they took, and what went wrong."""
    rounds = []
    with LocalKafka(folder / "kafka", say=report.say, heap="1g") as kafka:
        settings = Settings(
            brokers=kafka.brokers,
            partitions=options.partitions,
            store=store,
            standbys=1,
            session_timeout=session_s,
            metrics_port=0,
            timer_grace=NEVER_S,
        )
        asyncio.run(fill(settings, crowd(options.contacts), END_MS))
        reader, traffic = ArrivalReader(settings), SteadyTraffic(settings, "newcomer", options.rate)
        with Pair(settings, folder, reader, options.calm) as pair:
            for number in range(2 * options.rounds):
                blow = (KILL, TERM)[number % 2]
                seconds = pair.strike(number // 2 % 2, blow, session_s if blow == KILL else 0.0)
                rounds.append(Round(store=store, session_timeout_s=session_s, blow=blow, seconds=seconds))
                report.say(
                    f"{store}, session {session_s:g} s, {blow}: {', '.join(f'{one:.2f}' for one in sorted(seconds))} s"
                )
                pair.settle()
            traffic.stop()
            _read_to_the_end(reader, traffic.sent // 2)
            pair.stop()
        reader.stop()
    faults = []
    if reader.lost or reader.doubled or reader.count != traffic.sent // 2:
        faults.append(
            f"{store}, session {session_s:g} s: {reader.count} tier changes of {traffic.sent // 2}, "
            f"{reader.lost} lost, {reader.doubled} doubled by their sequences"
        )
    return rounds, faults


def table(rounds: Sequence[Round]) -> str:
    """A row for each store, session timeout and blow."""
    lines = [
        "| store | session timeout, s | blow | rounds | partitions | median, s | largest, s | goal, s |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for store, session_s, blow in dict.fromkeys((of.store, of.session_timeout_s, of.blow) for of in rounds):
        alike = [of for of in rounds if (of.store, of.session_timeout_s, of.blow) == (store, session_s, blow)]
        seconds = [one for of in alike for one in of.seconds]
        lines.append(
            f"| {store} | {session_s:g} | {blow} | {len(alike)} | {len(seconds)} | {median(seconds):.2f} "
            f"| {max(seconds):.2f} | {alike[0].goal_s:g} |"
        )
    return "\n".join(lines)


def _read_to_the_end(reader: ArrivalReader, expected: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while reader.count < expected and time.monotonic() < deadline:
        time.sleep(0.1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.takeover", description=__doc__.partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=100_000, help="at rest when it begins (%(default)s)")
    parser.add_argument("--rate", type=float, default=600.0, help="touchpoints a second (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each blow falls (%(default)s)")
    parser.add_argument("--partitions", type=int, default=8, help="of every topic (%(default)s)")
    parser.add_argument("--stores", nargs="+", default=["memory://", "rocksdb://"], help="which (%(default)s)")
    parser.add_argument("--session-timeouts", nargs="+", type=float, default=[6.0, 15.0], help="s (%(default)s)")
    parser.add_argument("--calm", type=float, default=4.0, help="s without a rebalance before a blow (%(default)s)")
    parser.add_argument("--json", type=Path, help="file for everything measured")
    return parser


if __name__ == "__main__":
    sys.exit(main())
