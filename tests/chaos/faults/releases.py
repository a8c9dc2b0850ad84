"""Deployments while everything goes on: a newer rule pack, a newer release. Whoever comes too late must not write."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from chaos import other_release
from chaos.campaign import Fault
from chaos.world import CRASHED, NotHealedError
from model.newer import newer
from model.pack_file import pack_file
from model.tables import DEFAULT
from palier.errors import ConfigurationError, ExitCode
from palier.packs.loading import parse_pack
from worker_kit.succession import InForce


class Deployment(Fault):
    """One worker after the other is started again, by SIGTERM or `kill -9`, and more are killed meanwhile.

    What is deployed lies in a file, as in a mounted volume: a worker has what lay there when it was started.
    """

    workers = 3
    rate = 200
    round_at_most_s = 90.0
    undoes = False

    def deploy(self, world):
        """All workers, in any order; returns how many were killed."""
        workers, kills = list(world.workers), 0
        world.chance.shuffle(workers)
        for worker in workers:
            if world.chance.random() < 0.5:
                world.stop_worker(worker)
                world.workers.append(worker)
            else:
                worker.kill()
                kills += 1
            worker.start()
            world.go_on(world.chance.uniform(0, 2))
            if world.chance.random() < 0.5:
                victim = world.any_worker()
                victim.kill()
                victim.start()
                kills += 1
        world.happened["killed"] += kills
        world.until_healed()
        return kills

    def refuse(self, world, latecomer, code, reason):
        """A worker of what was before joins: it ends with the code and the reason. Nothing it could write would be exact."""
        world.workers.remove(latecomer)
        world.until(lambda: latecomer.process.poll() is not None, "the end of a worker that comes too late")
        ended, why = latecomer.process.returncode, latecomer.last_words
        if ended != code or reason not in why:
            raise NotHealedError(
                f"a worker that comes too late ended with {ended}: {why}; wanted {int(code)}: {reason}"
            )
        world.happened[f"refused with {ended}"] += 1
        world.until_healed()


def put(file, text):
    """Replace a file at once."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


class NewerPack(Deployment):
    """A newer pack takes over, partition by partition; then somebody comes with the one before."""

    name, title = "packs", "rule pack replaced by a newer one, worker by worker, under `kill -9`"
    expected_ends = frozenset({CRASHED, ExitCode.INTERNAL, ExitCode.WRONG_USE})
    NAME = "chaos"
    CHANGES = 3

    def environment(self, world):
        return {"PALIER_PACK": str(world.folder / "pack.toml")}

    def prepare(self, world):
        self._chance = random.Random(world.chance.random())
        self._in_force = []
        self._publish(world, DEFAULT)

    def _publish(self, world, table):
        version = len(self._in_force) + 1
        text = pack_file(table, self.NAME, version)
        self._in_force.append(InForce(parse_pack(text, "a newer pack"), table))
        for name in ("pack.toml", f"pack-{version}.toml"):
            put(world.folder / name, text)

    def _next_table(self):
        """One with a handful of changes, of those that are a lawful pack."""
        while True:
            table = self._in_force[-1].table
            for _ in range(self.CHANGES):
                table = newer(table, self._chance)
            try:
                parse_pack(pack_file(table, self.NAME, 1), "a newer pack")
            except ConfigurationError:
                continue
            return table

    def round(self, world):
        before = len(self._in_force)
        self._publish(world, self._next_table())
        kills = self.deploy(world)
        late = world.add_worker(PALIER_PACK=str(world.folder / f"pack-{before}.toml"))
        self.refuse(world, late, ExitCode.WRONG_USE, f"rule pack {self.NAME} {before} ")
        return f"pack {before + 1} after {before}, {kills} killed, the older refused"

    def judging(self, world):
        return {"packs": self._in_force}

    def unproven(self, world, verdict):
        world.happened["changes by a newer pack"] = verdict.causes["pack"]
        return "" if verdict.causes["pack"] else "no newer pack changed anybody's tier"


class NewerRelease(Deployment):
    """A release with the next version of the state takes over; then somebody comes with the one before.

    In the first round the one before is this release itself.
    """

    name, title = "releases", "release with a newer state version, worker by worker, under `kill -9`"
    expected_ends = frozenset({CRASHED, ExitCode.INTERNAL, ExitCode.DATA})
    script = Path(other_release.__file__)

    def command(self, folder):
        return [sys.executable, "-P", str(self.script)]

    def environment(self, world):
        return {other_release.VARIABLE: str(world.folder / "release")}

    def prepare(self, world):
        self._version = other_release.THIS
        put(world.folder / "release", str(self._version))

    def round(self, world):
        before = self._version
        self._version += 1
        put(world.folder / "release", str(self._version))
        kills = self.deploy(world)
        put(world.folder / "release-before", str(before))
        late = world.add_worker(**{other_release.VARIABLE: str(world.folder / "release-before")})
        self.refuse(world, late, ExitCode.DATA, f"states of version {self._version}, this version reads up to {before}")
        world.happened[f"{before} to {self._version}"] += 1
        return f"state version {self._version} after {before}, {kills} killed, the older refused"

    def judging(self, world):
        return {"as_encoded": other_release.as_encoded}


FAULTS = (NewerPack(), NewerRelease())
