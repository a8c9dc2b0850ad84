"""Some rounds of one fault in one world, judged together: a line of the ledger."""

from __future__ import annotations

import tempfile
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from chaos.ledger import Entry
from chaos.traffic import Eventful
from chaos.world import CRASHED, NotHealedError, World
from palier.errors import ExitCode
from worker_kit.process import COMMAND


class Fault(ABC):
    """One row of the table. `round` does it to a world once and returns what it did, when the world has healed."""

    name: str  # on the command line
    title: str  # for people
    row = ""  # in the table, which tells of several faults together; empty: the title
    workers = 2
    partitions = 4
    rate = 400  # touchpoints a second
    round_at_most_s = 10.0  # the log is made long enough for that
    traffic = Eventful()
    settings: ClassVar = {}  # of the application, on top of a world's
    expected_ends = frozenset({CRASHED, ExitCode.INTERNAL})  # how a worker may end by itself
    undoes = True  # transactions: if none was undone, the rounds proved nothing

    def place(self, shared, folder):
        """A context manager that yields the Place to be at: here the one that all share."""
        return nullcontext(shared)

    def environment(self, world):
        """Variables of every worker, on top of its settings."""
        return {}

    def command(self, folder):
        """What a worker process runs; `folder` is the worker's own."""
        return COMMAND

    def prepare(self, world):  # noqa: B027 - most faults need nothing
        """What must be so before anybody works; the topics are there."""

    @abstractmethod
    def round(self, world):
        """Do it once, and wait until the world has healed; what was done, in some words."""

    def judging(self, world):
        """What the judge must know of the fault: arguments of worker_kit.judge.judge."""
        return {}

    def unproven(self, world, verdict):
        """Why the rounds proved nothing; empty if they did."""
        return "no transaction was undone" if self.undoes and not verdict.undone else ""


def campaign(fault, shared, seed, rounds, say):
    """The entry of `rounds` rounds with a seed. Whatever goes wrong is in its `faults`; `say` takes lines of progress."""
    began, started = datetime.now(UTC), time.monotonic()
    entry = Entry(fault.name, seed, began=began.isoformat(timespec="seconds"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place = stack.enter_context(fault.place(shared, folder))
        world = stack.enter_context(World(fault, place, seed, rounds, folder))
        try:
            world.until_healed()
            for number in range(1, rounds + 1):
                round_began = time.monotonic()
                what = fault.round(world)
                entry.rounds.append(what)
                say(f"  {number:>4}  {time.monotonic() - round_began:5.1f} s  {what}")
            verdict, entry.longest_silence_s = world.finish()
            entry.take(verdict)
            if unproven := fault.unproven(world, verdict):
                entry.faults.append(f"proved nothing: {unproven}")
        except (NotHealedError, AssertionError) as error:
            entry.faults.append(str(error))
            keep_logs(world, entry)
        entry.happened = dict(world.happened)
        entry.take_ends(world.ends, fault.expected_ends)
    entry.seconds = round(time.monotonic() - started, 1)
    return entry


def keep_logs(world, entry):
    """What workers said is worth more than the folder that it lies in."""
    kept = Path(tempfile.mkdtemp(prefix=f"palier-{entry.fault}-{entry.seed}-"))
    for worker in world.workers:
        (kept / f"{worker.log_path.parent.name}.log").write_bytes(worker.log_path.read_bytes())
    entry.faults.append(f"logs in {kept}")
