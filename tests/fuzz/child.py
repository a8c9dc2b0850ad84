"""One target, fuzzed in a process of its own: whatever happens to the interpreter, the command that started it goes on.

Started by `fuzz.campaign`. Prints libFuzzer's figures, under either engine.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

ENGINES = ("atheris", "plain")
LONGEST_BUFFER = 96
"""The longest script of a target, and what Hypothesis itself needs."""

STARTING_BUFFERS = 64
CRASH = "crash-plain"


def main() -> None:
    """Fuzz one target, or show what a buffer that ended the process stood for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--engine", choices=ENGINES, default="plain")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True, help="where the fuzzer keeps its own files")
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("--show", type=Path, nargs="*", help="print the cases that buffers stand for, a line each")
    parser.add_argument("--plant", action="store_true", help="let the fast decoder take what it should refuse")
    arguments = parser.parse_args()
    if arguments.show is not None:
        show(arguments.target, arguments.show)
    elif arguments.engine == "atheris":
        run_atheris(arguments)
    else:
        run_plain(arguments)


def show(name: str, buffers: list[Path]) -> None:
    """The cases of buffers, without checking them."""
    from fuzz.targets import TARGETS

    for buffer in buffers:
        TARGETS[name].test(lambda case: print(case.to_json())).hypothesis.fuzz_one_input(buffer.read_bytes())


def run_atheris(arguments: argparse.Namespace) -> None:
    """Mutated by libFuzzer, guided by the branches of Palier's own code. Ends the process when the time is over."""
    import atheris

    with atheris.instrument_imports(include=["palier"]):
        fuzz_one = _prepare(arguments)
    units = arguments.folder / "units"
    units.mkdir(parents=True, exist_ok=True)
    chance = random.Random(arguments.seed)
    for number in range(STARTING_BUFFERS):
        (units / f"start-{number}").write_bytes(chance.randbytes(LONGEST_BUFFER))
    flags = [
        f"-max_total_time={arguments.seconds}", f"-seed={arguments.seed}", f"-max_len={LONGEST_BUFFER}", "-len_control=0",
        "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-reload=0", f"-artifact_prefix={arguments.folder}/",
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags, str(units)], fuzz_one)
    atheris.Fuzz()


def run_plain(arguments: argparse.Namespace) -> None:
    """The same without coverage: random buffers, for machines that Atheris is not made for, and for CI."""
    fuzz_one = _prepare(arguments)
    chance, executions = random.Random(arguments.seed), 0
    arguments.folder.mkdir(parents=True, exist_ok=True)
    last = arguments.folder / CRASH
    until = time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        buffer = chance.randbytes(LONGEST_BUFFER)
        last.write_bytes(buffer)
        fuzz_one(buffer)
        executions += 1
    last.unlink()
    print(f"stat::number_of_executed_units: {executions}", file=sys.stderr)


def _prepare(arguments: argparse.Namespace):
    """Hypothesis's door to the target's test, which keeps what it finds and goes on."""
    from fuzz.findings import Recorder
    from fuzz.targets import TARGETS

    if arguments.plant:
        _plant()
    target = TARGETS[arguments.target]
    recorder = Recorder(target, arguments.findings)
    for case in target.known:
        recorder(case)
    return target.test(recorder).hypothesis.fuzz_one_input


def _plant() -> None:
    """A fault as the fuzzer is for: the fast decoder lets a rating of 101 through."""
    from fuzz import rules
    from palier.contracts.decoding import decode_line

    rules.decode_line = lambda line, latest_ms: decode_line(line.replace(b"101", b"100"), latest_ms)


if __name__ == "__main__":
    main()
