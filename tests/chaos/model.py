"""The exactly-once protocol in random histories over a fake log, many more and longer ones than the tests run.

In tests/:  python -m chaos.model --histories 20000 --steps 200 --processes 2 [--budget 30m] [--ledger FILE]

Needs no broker. A seed tells a history; one that ends badly is told with as few events as possible.
SIGTERM, Ctrl-C and the budget end the run with what was reached; --first-seed goes on from there.
Exit code 0: every history ended exactly, and everything that may happen did happen; 1: the lines say what was not.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from threading import Event

from chaos.durations import seconds
from chaos.ledger import Entry, append
from engine_kit.random_walk import choose, make_small
from engine_kit.vacuity import missing

CHUNK = 20  # histories that a process takes at a time


def run(seeds, steps):
    """(what was met, what went wrong as lines) in the histories of some seeds, up to the first that ends badly."""
    met = Counter()
    for seed in seeds:
        history, happened, error = choose(seed, steps)
        met.update(history.met, histories=1, steps=len(happened))
        if error is not None:
            small = "\n".join(f"  {name} {arguments}" for name, arguments in make_small(happened))
            return met, [f"seed {seed}: {error}\n{small}"]
    return met, []


def run_all(first_seed, histories, steps, processes, goes_on, say):
    """The same for many, over processes; none is begun any more once `goes_on()` is False."""
    began, met, wrong = time.monotonic(), Counter(), []
    end = first_seed + histories
    chunks = (range(seed, min(seed + CHUNK, end)) for seed in range(first_seed, end, CHUNK))
    with ProcessPoolExecutor(processes, initializer=_leave_signals_to_the_parent) as pool:
        running = deque(pool.submit(run, seeds, steps) for seeds in islice(chunks, processes + 1))
        told = began
        while running:
            more, bad = running.popleft().result()
            met += more
            wrong += bad
            if not wrong and goes_on():
                running += (pool.submit(run, seeds, steps) for seeds in islice(chunks, 1))
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"{met['histories']} histories, {met['steps']} steps, {told - began:.0f} s")
    return met, wrong


def _leave_signals_to_the_parent():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--budget", type=seconds, default=seconds("24h"), help="begin nothing after so long: 20m, 2h")
    parser.add_argument("--ledger", type=Path, help="append a line of JSON")
    options = parser.parse_args()
    entry = Entry("model", options.first_seed, began=datetime.now(UTC).isoformat(timespec="seconds"))
    began, stopped = time.monotonic(), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    met, entry.faults = run_all(
        options.first_seed,
        options.histories,
        options.steps,
        options.processes,
        lambda: not stopped.is_set() and time.monotonic() - began < options.budget,
        lambda line: print(line, flush=True),
    )
    entry.seconds, entry.happened = round(time.monotonic() - began, 1), dict(sorted(met.items()))
    entry.rounds = [f"{met['histories']} histories of {options.steps} steps from seed {options.first_seed} on"]
    entry.faults += [f"never met: {what}" for what in missing(met)]
    print("\n".join([*(f"{count:>9} {what}" for what, count in sorted(met.items())), *entry.faults]))
    print(f"{met['histories']} histories, {met['steps']} steps in {entry.seconds} s: {len(entry.faults)} faults")
    if options.ledger:
        append(options.ledger, entry)
    return 1 if entry.faults else 0


if __name__ == "__main__":
    sys.exit(main())
