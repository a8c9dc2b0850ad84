"""Fuzz the decoders of everything that Palier reads from Kafka.

`python -m fuzz --minutes 60` in tests/. Guided by coverage where Atheris is installed (`pip install -r
fuzz/requirements.txt`, Linux on x86-64), else by chance alone. A finding becomes a file of the corpus, which the tests
try from then on. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from chaos.ledger import Entry, append
from fuzz.campaign import default_engine, fuzz_target, keep_grown, report
from fuzz.child import ENGINES
from fuzz.targets import TARGETS

FAULT = "decoders fuzzed"


def main() -> int:
    """The long form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="for all targets together (default: 60)")
    parser.add_argument("--target", action="append", choices=TARGETS, help="this one alone; may come several times")
    parser.add_argument("--engine", choices=ENGINES, default=default_engine())
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**31))
    parser.add_argument("--folder", type=Path, default=Path(".palier") / "fuzz", help="for the fuzzer's own files")
    parser.add_argument("--keep", action="store_true", help="add small inputs that reached new code to the corpus")
    parser.add_argument("--ledger", type=Path, help="append what came of it, a line of JSON")
    arguments = parser.parse_args()
    targets = [TARGETS[name] for name in arguments.target or TARGETS]
    shares = sum(target.share for target in targets)
    print(f"{arguments.engine}, seed {arguments.seed}, {arguments.minutes:g} minutes", flush=True)
    began, begun = datetime.now(UTC), time.monotonic()
    results = []
    for target in targets:
        folder = arguments.folder.resolve() / target.name
        seconds = 60 * arguments.minutes * target.share / shares
        results.append(fuzz_target(target.name, seconds, engine=arguments.engine, seed=arguments.seed, folder=folder))
        report(results[-1:], lambda line: print(line, flush=True))
        if arguments.keep:
            print(f"{keep_grown(target.name, folder)} inputs in the corpus of {target.name}", flush=True)
    print()
    report(results, print)
    if arguments.ledger:
        append(arguments.ledger, entry_of(results, arguments.seed, began, time.monotonic() - begun))
    return 0 if all(one.is_clean for one in results) else 1


def entry_of(results, seed: int, began: datetime, seconds: float) -> Entry:
    """The run as a line of the ledger: a round is a target."""
    return Entry(
        FAULT,
        seed,
        began=began.isoformat(timespec="seconds"),
        rounds=[f"{one.target}: {one.executions} executions" for one in results],
        happened={
            "minutes": round(seconds / 60),
            "minutes of processor": round(sum(one.processor_s for one in results) / 60),
            "executions": sum(one.executions for one in results),
            "findings": sum(len(one.findings) + len(one.deaths) for one in results),
        },
        faults=[str(trouble) for one in results for trouble in (*(path.name for path in one.findings), *one.deaths)],
        seconds=round(seconds, 1),
    )


if __name__ == "__main__":
    sys.exit(main())
