"""Processes that die, freeze, or are told to end, at any moment and at the worst ones."""

from __future__ import annotations

import signal
from typing import ClassVar

from chaos.campaign import Fault
from chaos.traffic import Silences
from chaos.world import CRASHED
from palier.engine.failpoints import POINTS, VARIABLE
from palier.errors import ExitCode

JOINED = ": partitions "  # a worker's line about a generation of its group
BURST = 5  # kills one after the other, before the world may heal


class KillAtRandom(Fault):
    """Kill -9, mostly soon after a start, so that recoveries and rebalances are cut short too."""

    name, title = "kill", "`kill -9` at random"
    workers = 3
    round_at_most_s = 15.0
    _since_healed = 0

    def round(self, world):
        world.go_on(world.chance.uniform(0.1, 1.0) if world.chance.random() < 0.5 else world.chance.uniform(1, 4))
        victim = world.any_worker()
        lived = "at work" if victim.is_ready() else "starting"
        victim.kill()
        victim.start()
        world.happened[f"killed {lived}"] += 1
        self._since_healed += 1
        if self._since_healed % BURST == 0:
            world.until_healed()
            return f"killed {lived}, then healed"
        return f"killed {lived}"


class KillAtPoint(Fault):
    """A worker dies at a named point of its walk."""

    row = f"`kill -9` at each of {len(POINTS)} named points of a worker's walk"
    round_at_most_s = 30.0
    expected_ends = frozenset({CRASHED})

    def __init__(self, point):
        self.point = point
        self.name, self.title = f"kill-{point}", f"`kill -9`: {POINTS[point]}"
        self.undoes = point in {"begun", "outputs-acknowledged", "changelog-acknowledged", "end-due"}

    def provoke(self, world, victim):
        """Bring the victim to the point, if it does not come there by itself."""

    def most(self):
        """Up to the how-manieth time the point may be passed: `recovering` and `revoked` come once or twice a start."""
        return 40

    def round(self, world):
        victim, nth = world.any_worker(), world.chance.randint(1, self.most())
        victim.kill()
        victim.start(**{VARIABLE: f"{self.point}:{nth}"})
        before = world.ends[CRASHED, ""]
        self.provoke(world, victim)
        world.until(lambda: world.ends[CRASHED, ""] > before, f"a death at {self.point}:{nth}")
        world.until_healed()
        return f"died at {self.point} the {nth}. time"


class KillOnStart(KillAtPoint):
    """Points that every start passes, once for each of its partitions."""

    def most(self):
        return 2


class KillOnRefusal(KillAtPoint):
    """A point that few touchpoints lead to."""

    def most(self):
        return 4


class KillOnRevoke(KillAtPoint):
    """A point that only a rebalance leads to: another worker joins."""

    def most(self):
        return 1

    def provoke(self, world, victim):
        world.until(lambda: victim.process.poll() is not None or victim.is_ready(), "the victim's start")
        world.until_healed()
        if victim.process.poll() is None:
            other = next(worker for worker in world.workers if worker is not victim)
            other.kill()  # comes back as a stranger, which moves partitions
            other.start()


class KillWhileCompleting(KillAtPoint):
    """A point that a death behind META leads to: the successor writes the transaction again, and dies over it too."""

    workers = 1
    round_at_most_s = 90.0  # three starts

    def round(self, world):
        (victim,), nth = world.workers, world.chance.randint(1, 40)
        victim.kill()
        victim.start(**{VARIABLE: f"changelog-acknowledged:{nth}"})
        world.until(
            lambda: victim.process.poll() is not None, f"a death at changelog-acknowledged:{nth}", supervised=False
        )
        victim.start(**{VARIABLE: "completing:1"})
        world.until(lambda: victim.process.poll() is not None, "a death at completing:1", supervised=False)
        world.until_healed()
        return f"died behind the {nth}. META, and while completing it"


class KillAtTimers(KillAtPoint):
    """A point that silence leads to."""

    traffic = Silences()

    def most(self):
        return 8


class Zombie(Fault):
    """Frozen until its successor has committed, then let go."""

    name, title = "zombie", "frozen beyond its session (SIGSTOP), then let go"
    round_at_most_s = 30.0
    expected_ends = frozenset({ExitCode.INTERNAL})
    undoes = False

    def round(self, world):
        victim = world.any_worker()
        world.until(victim.is_ready, "the victim's start")
        world.until_healed()
        victim.process.send_signal(signal.SIGSTOP)
        world.go_on(world.settings.session_timeout)  # what readers still hear until then is the victim's
        world.until_healed()  # somebody else has the victim's partitions, and has committed
        joins, ends = victim.log.count(JOINED), world.ends.total()
        victim.process.send_signal(signal.SIGCONT)
        world.until(
            lambda: world.ends.total() > ends or victim.log.count(JOINED) > joins,
            "the zombie's end or return",
            limit_s=5,
        )
        what = "fenced" if world.ends.total() > ends else "noticed by itself and joined anew"
        world.happened[what] += 1
        world.until_healed()
        return what

    def unproven(self, world, verdict):
        return "" if world.happened["fenced"] else "no zombie ever tried to commit"


class ShortFreeze(Fault):
    """Frozen for less than a session: nobody notices."""

    name, title = "freeze", "frozen for less than its session, 20 times"
    round_at_most_s = 40.0
    expected_ends = frozenset()
    undoes = False

    def round(self, world):
        for _ in range(20):
            victim = world.any_worker()
            victim.process.send_signal(signal.SIGSTOP)
            world.go_on(world.chance.uniform(0.2, 0.5) * world.settings.session_timeout)
            victim.process.send_signal(signal.SIGCONT)
        world.until_healed()
        return "frozen 20 times"


class RollingRestart(Fault):
    """SIGTERM to one after the other, each started again, as a deployment does it."""

    name, title = "roll", "rolling restart (SIGTERM)"
    workers = 3
    round_at_most_s = 25.0
    expected_ends = frozenset()
    undoes = False

    def round(self, world):
        for worker in list(world.workers):
            code = world.stop_worker(worker, limit_s=10)
            world.happened[f"exit {code}"] += 1
            worker.start()
            world.workers.append(worker)
            world.until(worker.is_ready, "a start")
        world.until_healed()
        return f"{len(world.workers)} restarted"


class ComeAndGo(Fault):
    """Workers with warm standbys on disk: one joins, one leaves, or each is restarted in turn."""

    name, title = "going", "a worker joins or leaves, or all restart in turn; warm standbys on disk"
    workers = 2
    round_at_most_s = 30.0
    settings: ClassVar = {"standbys": 1, "store": "rocksdb://"}
    expected_ends = frozenset()
    undoes = False
    most_workers = 3

    def round(self, world):
        what = world.chance.choice((self._join, self._leave, self._roll))(world)
        world.until_healed()
        world.happened[what] += 1
        return what

    def _join(self, world):
        if len(world.workers) == self.most_workers:
            return self._leave(world)
        world.until(world.add_worker().is_ready, "a start")
        return "one joined"

    def _leave(self, world):
        if len(world.workers) == 1:
            return self._join(world)
        world.stop_worker(world.any_worker())
        return "one left"

    def _roll(self, world):
        for worker in list(world.workers):
            world.stop_worker(worker)
            worker.start()
            world.workers.append(worker)
            world.until(worker.is_ready, "a start")
        return "all restarted in turn"


class RebalanceStorm(Fault):
    """A worker joins or leaves every second for a minute."""

    name, title = "storm", "a worker joins or leaves every second, for a minute"
    workers, partitions = 2, 8
    rate = 200
    round_at_most_s = 110.0
    expected_ends = frozenset()  # a graceful move fences nobody
    undoes = False

    def round(self, world):
        for _ in range(60):
            if len(world.workers) > 3 or (len(world.workers) > 1 and world.chance.random() < 0.5):
                world.happened[f"left with {world.stop_worker(world.any_worker())}"] += 1
            else:
                world.add_worker()
                world.happened["joined"] += 1
            world.go_on(1)
        world.until_healed(limit_s=20)
        return "60 joined or left"


def _at_point(point):
    kind = {
        "completing": KillWhileCompleting,
        "fenced": KillOnStart,
        "recovering": KillOnStart,
        "refused": KillOnRefusal,
        "revoked": KillOnRevoke,
        "timers": KillAtTimers,
    }.get(point, KillAtPoint)
    return kind(point)


FAULTS = (
    KillAtRandom(),
    *map(_at_point, POINTS),
    Zombie(),
    ShortFreeze(),
    RollingRestart(),
    ComeAndGo(),
    RebalanceStorm(),
)
