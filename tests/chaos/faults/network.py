"""A network between workers and brokers that loses, delays and tears: single calls, connections, or everything.

Only the workers go through it; traffic, readers and the oracle go past it.
"""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from contextlib import contextmanager

from chaos.campaign import Fault
from chaos.ghost import NEXT_TRANSACTION, TAKEOVER, Ghost, Unheard
from chaos.kafka_frames import is_commit
from chaos.proxy import KafkaProxy, kafka_behind
from chaos.proxy_rules import REQUEST, RESPONSE, Cut, Delay, Drop, Hold
from chaos.world import NotHealedError, Place
from palier.errors import ExitCode

DELAY_S = 5.0
BACK_WITHIN_S = 30.0  # on a machine that has time for us
BUSY = 2.0  # processes that want to run, for each core
HEAL_LIMIT_S = 90.0
DRAINED_WITHIN_S = 25.0  # a worker that cannot say good-bye gives up after 20


class NetworkFault(Fault):
    """A broker of its own, behind a proxy."""

    rate = 200
    undoes = False
    expected_ends = frozenset({ExitCode.INTERNAL, ExitCode.UNAVAILABLE})

    @contextmanager
    def place(self, shared, folder):
        proxy = KafkaProxy()
        with proxy, kafka_behind(proxy, folder / "kafka") as kafka:
            yield Place(proxy.brokers, kafka.brokers, kafka=kafka, proxy=proxy)


# --- the end of a transaction -----------------------------------------------------------------------------------------
class StruckCommit(NetworkFault):
    """Something happens to an EndTxn(commit) so that its sender never hears of it: he must not begin again."""

    round_at_most_s = 20.0

    def round(self, world):
        proxy, nth = world.place.proxy, world.chance.randint(1, 10)
        unheard, before = Unheard(proxy), world.ends.total()
        what = self.strike(world, proxy, nth)
        world.until(lambda: world.ends.total() > before, "the end of a worker that does not know")
        world.until_healed()
        proxy.clear()
        if unheard.went_on:
            raise NotHealedError(f"{unheard.went_on} began again without an answer to EndTxn ({what})")
        world.happened[what] += 1
        return what

    @abstractmethod
    def strike(self, world, proxy, nth):
        """Strike the `nth` commit from now; what was done."""


class GhostCommit(StruckCommit):
    """It is held back and gets through at any moment of what happens next with its transactional id."""

    name, title = "ghost-commit", "a commit that gets through late, in the middle of what comes next"
    undoes = True
    placements = (*TAKEOVER, *NEXT_TRANSACTION)

    def strike(self, world, proxy, nth):
        placement = world.chance.choice(self.placements)
        ghost = Ghost(proxy, placement, nth, settle_s=world.chance.choice((0.0, 0.2)))
        world.until(ghost.gone.is_set, f"a commit, and then what comes {placement}")
        return f"let go {placement}, answered with {ghost.answer}"


class TornCommit(StruckCommit):
    """The connection breaks before it arrives, or after the broker has done it."""

    name, title = "torn-commit", "the connection of a commit breaks, before or after it is done"

    def strike(self, world, proxy, nth):
        at = world.chance.choice((REQUEST, RESPONSE))
        cut = proxy.rule("EndTxn", Cut(), at=at, nth=nth, matching=is_commit)
        world.until(lambda: cut.struck, "a commit")
        return f"cut at the {at}"


class LostCommit(StruckCommit):
    """It, or the answer to it, is lost without a word: nobody hears anything until a time-out."""

    name, title = "lost-commit", "a commit, or the answer to it, is lost without a word"
    round_at_most_s = 60.0

    def strike(self, world, proxy, nth):
        at = world.chance.choice((REQUEST, RESPONSE))
        lost = proxy.rule("EndTxn", Drop(mute=True), at=at, nth=nth, matching=is_commit)
        world.until(lambda: lost.struck, "a commit")
        return f"{at} lost"


# --- every other call -------------------------------------------------------------------------------------------------
ALWAYS = ("Produce", "Fetch", "OffsetCommit", "Heartbeat", "AddPartitionsToTxn")  # sent while at work
AT_START = (
    "ApiVersions", "Metadata", "FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "ListOffsets", "InitProducerId",
)  # fmt: skip
AT_STOP = ("LeaveGroup",)


class StruckCall(NetworkFault):
    """One call of each API in turn, so many rounds strike each of them equally often."""

    apis = (*ALWAYS, *AT_START, *AT_STOP)
    round_at_most_s = 45.0

    def __init__(self, kind, title, action, at):
        self.name, self.title = f"call-{kind}", f"a call of each API {title}"
        self._kind, self._action, self._at = kind, action, at

    def round(self, world):
        proxy, api = world.place.proxy, self.apis[sum(world.happened.values()) % len(self.apis)]
        nth = world.chance.randint(1, 20 if api in ALWAYS else 2 if api in AT_STOP else 4)
        rule = proxy.rule(api, self._action(), at=self._at, nth=nth)
        ends = world.ends.total()
        while not rule.struck:
            victim = self._provoke(world, api)
            world.until(lambda victim=victim: rule.struck or victim.is_ready(), f"{api}, or a worker that is ready")
        self._see_through(world, rule.action)
        until_back(world)
        took_s, ended = time.monotonic() - rule.struck_at_s, world.ends.total() - ends
        proxy.clear()
        if took_s > BACK_WITHIN_S and not ended and not machine_is_busy():
            raise NotHealedError(f"{api} {self._kind}: silence for {took_s:.0f} s, and nobody ended")
        world.happened[f"{api} {self._kind}"] += 1
        return f"{api} {self._kind} ({nth}.): back after {took_s:.1f} s, {ended} ended"

    def _see_through(self, world, action):
        """Wait until the fault is over, if it is one that ends by itself."""

    def _provoke(self, world, api):
        """Have somebody send the call, if they do not all the time; whom one may wait for."""
        victim = world.any_worker()
        if api in AT_STOP:
            until_back(world)
            world.stop_worker(victim, limit_s=DRAINED_WITHIN_S)
            world.workers.append(victim)
            victim.start()
        elif api in AT_START:
            victim.kill()
            victim.start()
        else:
            world.go_on(1)
        return victim


class DelayedCall(StruckCall):
    """A call comes late, and so does all that follows on its connection."""

    def __init__(self):
        super().__init__("delayed", f"comes {DELAY_S:.0f} s late", lambda: Delay(DELAY_S), REQUEST)

    def _see_through(self, world, action):
        world.go_on(DELAY_S)


class GhostCall(StruckCall):
    """The connection of a call breaks, and the broker gets the call a while later, when it has perhaps been repeated."""

    def __init__(self):
        super().__init__("ghost", "gets through late, its connection broken", Hold, REQUEST)

    def _see_through(self, world, action):
        world.go_on(world.chance.uniform(0, 3))
        action.release(limit_s=1)


# --- connections and the whole network ----------------------------------------------------------------------------------
class Outage(NetworkFault):
    """Every connection breaks and none can be made, for 1 to 60 s, mostly the shorter."""

    name, title = "network-cut", "every connection cut, for 1 to 60 s"
    round_at_most_s = 75.0

    def round(self, world):
        seconds = 60 ** world.chance.random()
        world.place.proxy.refuse()
        world.go_on(seconds)
        world.place.proxy.accept()
        return f"cut for {seconds:.1f} s, {healing(world)}"


class Silence(NetworkFault):
    """Nothing gets through for 1 to 20 s, and nobody is told; then everything comes."""

    name, title = "network-frozen", "nothing gets through for 1 to 20 s, then all of it"
    round_at_most_s = 60.0

    def round(self, world):
        seconds = 20 ** world.chance.random()
        world.place.proxy.freeze()
        world.go_on(seconds)
        world.place.proxy.thaw()
        return f"frozen for {seconds:.1f} s, {healing(world)}"


class HalfOpen(NetworkFault):
    """Every connection dies without a word, as when a firewall forgets them; new ones can be made."""

    name, title = "network-half-open", "every connection dies without a word"
    round_at_most_s = 60.0

    def round(self, world):
        world.place.proxy.half_open()
        return f"half-open, {healing(world)}"


class Slow(NetworkFault):
    """A network that is far too slow for the traffic, for 15 s. Work goes on meanwhile, or afterwards."""

    round_at_most_s = 60.0

    def __init__(self, name, title, **how):
        self.name, self.title, self._how = name, title, how

    def round(self, world):
        world.place.proxy.slow_down(**self._how)
        world.go_on(15)
        world.place.proxy.slow_down()
        return f"slow for 15 s, {healing(world)}"


def machine_is_busy():
    """Whether how long something takes says more about the machine than about us."""
    return os.getloadavg()[0] > BUSY * os.cpu_count()


def until_back(world):
    """Until every worker does its work, and downstream hears of each partition."""
    world.until(lambda: all(worker.is_ready() for worker in world.workers), "every worker ready", HEAL_LIMIT_S)
    world.until_healed(HEAL_LIMIT_S)


def healing(world):
    """How long healing took."""
    began = time.monotonic()
    until_back(world)
    world.happened["struck"] += 1
    return f"healed after {time.monotonic() - began:.1f} s"


FAULTS = (
    GhostCommit(),
    TornCommit(),
    LostCommit(),
    DelayedCall(),
    GhostCall(),
    StruckCall("dropped", "is lost", Drop, REQUEST),
    StruckCall("unanswered", "is done, but its answer is lost", Drop, RESPONSE),
    StruckCall("muted", "is lost, with all that follows on its connection", lambda: Drop(mute=True), REQUEST),
    Outage(),
    Silence(),
    HalfOpen(),
    Slow("network-late", "0.5 s latency each way, for 15 s", latency_s=0.5),
    Slow("network-narrow", "10 KB/s for each connection, for 15 s", bytes_per_s=10_000),
)
