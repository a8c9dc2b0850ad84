"""Faults on purpose, on a real Kafka, judged by an oracle that reads past them.

In tests/:  python -m chaos list
            python -m chaos run FAULT... --seeds 1..5 --rounds 10 [--budget 20m] [--ledger FILE]
            python -m chaos soak --minutes 60 --rate 2000 [--ledger FILE]
            python -m chaos mutants [NAME...]
            python -m chaos beside --rounds 20 --seed 1 [--ledger FILE]
            python -m chaos damaged [--ledger FILE]
            python -m chaos table [FILE]

Exit code 0: everything exact, and every campaign proved something; 1: the lines say what was not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from chaos import beside, damaged, mutants, soak
from chaos.campaign import campaign
from chaos.durations import seconds
from chaos.faults import FAULTS
from chaos.ledger import PROOF, append, read, table
from chaos.world import Place
from palier.kafka.local import find_kafka


def main():
    parser = argparse.ArgumentParser(
        prog="chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="every fault")
    listing.set_defaults(carry_out=list_faults)
    run = commands.add_parser("run", help="campaigns: for each seed some rounds of each fault")
    run.add_argument("faults", nargs="+", metavar="FAULT", choices=[*FAULTS, "all"])
    run.add_argument("--seeds", default="1", help="FIRST..LAST, or one number")
    run.add_argument("--rounds", type=int, default=10, help="of each fault with each seed")
    run.add_argument(
        "--budget", type=seconds, default=seconds("24h"), help="begin no campaign after so long: 90s, 20m, 2h"
    )
    run.set_defaults(carry_out=run_campaigns)
    long = commands.add_parser(
        "soak", help="load for a long time, a fault every half minute, and whether anything grows"
    )
    long.add_argument("--minutes", type=float, default=60)
    long.add_argument("--rate", type=int, default=2_000, help="touchpoints a second")
    long.add_argument("--seed", type=int, default=1)
    long.set_defaults(carry_out=run_soak)
    hunt = commands.add_parser(
        "mutants", help="workers with one thing broken: is each found guilty, and the whole one not?"
    )
    hunt.add_argument("names", nargs="*", metavar="NAME", choices=[*mutants.MUTANTS, "all"], default="all")
    hunt.set_defaults(carry_out=hunt_mutants)
    others = commands.add_parser("beside", help="random kills of our workers, and of workers written with Faust alone")
    others.add_argument("--rounds", type=int, default=20, help="kills")
    others.add_argument("--seed", type=int, default=1)
    others.set_defaults(carry_out=run_beside)
    cases = commands.add_parser("damaged", help="every case of damaged logs")
    cases.set_defaults(carry_out=run_damaged)
    for judged in (run, long, others, cases):
        judged.add_argument("--ledger", type=Path, help="append a line for each campaign")
    show = commands.add_parser("table", help="what a ledger shows, as Markdown")
    show.add_argument("ledger", nargs="?", type=Path, default=PROOF)
    show.set_defaults(carry_out=show_table)
    options = parser.parse_args()
    return options.carry_out(options)


def list_faults(_options):
    """Exit code."""
    tell("\n".join(f"{name:<32}{fault.title}" for name, fault in FAULTS.items()))
    return 0


def show_table(options):
    """Exit code."""
    tell(table(read(options.ledger), titles()))
    return 0


def run_soak(options):
    """Exit code."""
    entry, grown = soak.soak(options.seed, options.minutes, options.rate, tell)
    if options.ledger is not None:
        append(options.ledger, entry)
    tell("\n".join([told(entry), *soak.told(grown)]))
    return 1 if entry.faults else 0


def hunt_mutants(options):
    """Exit code."""
    names = list(mutants.MUTANTS) if "all" in options.names else options.names
    with shared_place() as shared:
        hunts, controls = mutants.hunt_all(names, shared, tell)
    accused = [f"FAULT of the worker as it is, by {one.fault}: {one.faults}" for one in controls if one.faults]
    tell("\n".join([mutants.table(hunts), *accused]))
    return 1 if accused or not all(one.evidence for one in hunts) else 0


def run_beside(options):
    """Exit code: what is said of ours."""
    entries = {}
    with shared_place() as shared:
        for name in beside.CONTENDERS:
            tell(name)
            entries[name] = beside.trial(name, FAULTS["kill"], shared, options.seed, options.rounds, tell)
            if options.ledger is not None:
                append(options.ledger, entries[name])
    tell(beside.table(entries))
    return 1 if entries[beside.OURS].faults else 0


@contextmanager
def shared_place():
    """Where campaigns are that need no broker of their own."""
    with tempfile.TemporaryDirectory() as folder, find_kafka(None, Path(folder)) as kafka:
        yield Place(kafka.brokers, kafka.brokers, shortest_session_s=6 if kafka.kind == "given" else 2)


def run_damaged(options):
    """Exit code."""
    entry = damaged.damaged(tell)
    if options.ledger is not None:
        append(options.ledger, entry)
    tell("\n".join(f"  FAULT {fault}" for fault in entry.faults) or f"  {len(entry.rounds)} cases, each as it must be")
    return 1 if entry.faults else 0


def titles():
    """Name of every fault -> its row of the table, in the table's order."""
    named = {name: fault.row or fault.title for name, fault in (FAULTS | {soak.Soak.name: soak.Soak}).items()}
    return named | {damaged.NAME: damaged.TITLE}


def run_campaigns(options):
    """Exit code."""
    first, _, last = options.seeds.partition("..")
    names = list(FAULTS) if "all" in options.faults else options.faults
    deadline, wrong = time.monotonic() + options.budget, 0
    with shared_place() as shared:
        for seed in range(int(first), int(last or first) + 1):
            for name in names:
                if time.monotonic() > deadline:
                    return 1 if wrong else 0
                tell(f"{name}, seed {seed}")
                entry = campaign(FAULTS[name], shared, seed, options.rounds, tell)
                if options.ledger is not None:
                    append(options.ledger, entry)
                wrong += bool(entry.faults)
                tell(told(entry))
    return 1 if wrong else 0


def told(entry):
    """An entry in a line, and what was wrong, in a line each."""
    line = (
        f"  {len(entry.rounds)} rounds in {entry.seconds} s: {entry.touchpoints} touchpoints, {entry.changes} tier changes: "
        f"{entry.lost} lost, {entry.doubled} doubled, {entry.conflicting} conflicting; {entry.transactions} transactions, "
        f"{entry.undone} undone; ends {entry.ends or 'none'}; longest silence {entry.longest_silence_s:.1f} s; {entry.happened}"
    )
    return "\n".join([line, *(f"  FAULT {fault}" for fault in entry.faults)])


def tell(line):
    """Progress, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
