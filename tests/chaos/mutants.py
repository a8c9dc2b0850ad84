"""A suite that finds nothing proves something only if it would: broken workers, each of which it must find guilty.

The same fault with the same seed must find nothing in the worker as it is.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from chaos import bait
from chaos.campaign import Fault, campaign
from chaos.mutant_worker import COMMAND, VARIABLE

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Mutant:
    """A worker broken by the mutation of its name, what to do to it, and what the oracle must then accuse it of.

    `charge`: a regular expression; any other fault found is no catch, since a worker that cannot even start is guilty too.
    """

    name: str
    title: str
    fault: Fault
    charge: str
    rounds: int = 1
    seed: int = 1


RESTART, HARMED = bait.Restart(), r"tier changes: (?!0 lost, 0 doubled, 0 conflicting)"
MUTANTS = {
    mutant.name: mutant
    for mutant in (
        Mutant("no-fence", "no fence", bait.ZombieAtRest(), r"META of batch \d+ follows that of batch|" + HARMED),
        Mutant("sends-not-awaited", "commit without awaiting sends", bait.RefusedBatches(), "is torn"),
        Mutant("next-too-high", "META.next + 1", RESTART, "states differ|dead letters wanted", rounds=2),
        Mutant("next-too-low", "META.next - 1", RESTART, "states differ|dead letters wanted", rounds=2),
        Mutant("group-offset", "group offset instead of META", RESTART, "dead letters wanted", rounds=2),
        Mutant("store-first", "store before commit", bait.DeathWithAStoreOnDisk(), "states differ|" + HARMED),
        Mutant(
            "outputs-outside",
            "outputs outside the transaction",
            bait.DeathBetweenOutputsAndState(),
            "is torn|" + HARMED,
        ),
        Mutant("end-repeated", "retry of EndTxn ignored", bait.GhostBetweenWrites(), "is torn|without META|" + HARMED),
        Mutant("ids-lost", "ring of ids lost at recovery", RESTART, HARMED, rounds=2),
        Mutant("wall-clock-always", "wall clock while lagging", bait.Absence(), HARMED),
        Mutant("sequence-restarted", "sequence restarted", RESTART, "states differ|" + HARMED),
    )
}


@dataclass(frozen=True)
class Hunt:
    """How a hunt ended. `evidence`: the line of the oracle that convicts the mutant, None if it survived."""

    mutant: Mutant
    evidence: str | None
    seconds: float
    others: tuple[str, ...]  # what else was said against it


def hunt(mutant, shared, say):
    """Do to the mutant what it cannot stand. `shared`, `say`: as for a campaign."""
    broken = copy(mutant.fault)
    broken.command = lambda _folder: COMMAND
    broken.environment = lambda _world: {VARIABLE: mutant.name, "PYTHONPATH": str(TESTS)}
    entry = campaign(broken, shared, mutant.seed, mutant.rounds, say)
    guilty = [fault for fault in entry.faults if re.search(mutant.charge, fault)]
    return Hunt(mutant, guilty[0] if guilty else None, entry.seconds, tuple(entry.faults))


def hunt_all(names, shared, say):
    """(hunts, entries of the worker as it is): one for all mutants with the same fault and seed, of as many rounds."""
    hunts, controls = [], {}
    for mutant in map(MUTANTS.get, names):
        say(f"{mutant.name}: {mutant.title}, by {mutant.fault.name}")
        hunts.append(hunt(mutant, shared, say))
        say(f"  {hunts[-1].seconds} s: {hunts[-1].evidence or f'SURVIVED, {hunts[-1].others}'}")
        control = mutant.fault.name, mutant.seed
        if control not in controls or controls[control].rounds < mutant.rounds:
            controls[control] = mutant
    entries = []
    for control in controls.values():
        say(f"the worker as it is, by {control.fault.name}")
        entries.append(campaign(control.fault, shared, control.seed, control.rounds, say))
        say(f"  {entries[-1].seconds} s: {entries[-1].faults or 'nothing found'}")
    return hunts, entries


def table(hunts):
    """Markdown."""
    lines = ["| mutant | fault | caught by | after |", "|---|---|---|---:|"]
    for one in hunts:
        evidence = (one.evidence or f"SURVIVED: {'; '.join(one.others) or 'nothing found'}")[:110].replace("|", "/")
        lines.append(f"| {one.mutant.title} | {one.mutant.fault.name} | {evidence} | {one.seconds:.0f} s |")
    return "\n".join(lines)
