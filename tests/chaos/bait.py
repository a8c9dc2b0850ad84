"""What mutants are hunted with: faults that a user's system meets, brought to the point where one broken thing shows.

A worker alone where one is enough: it starts sooner, and gets the same partitions back.
"""

from __future__ import annotations

import signal
import time
from itertools import islice
from typing import ClassVar

from chaos.campaign import Fault
from chaos.faults.killing import JOINED, KillAtPoint
from chaos.faults.network import NetworkFault
from chaos.ghost import Ghost
from chaos.traffic import CONTACTS, Eventful
from chaos.world import NotHealedError
from palier.errors import ExitCode
from worker_kit.reading import left_open, output_topic
from worker_kit.silence import advocate, contacts_in, now_ms, touchpoint
from worker_kit.topics import set_on_topic
from worker_kit.touchpoints import nasty, publish, shuffled, simulated

SESSION_S = 6.0  # so long that nothing but the bait happens, on a busy machine too
GRACE_S = 0.5
AFTERWARDS_S = 20.0  # on a busy machine: nothing but the group is left to heal then


class Refusable(Eventful):
    """More than half is refused: a record read twice or never shows in the dead letters, whatever a contact remembers."""

    settings: ClassVar = Eventful.settings | {"dead_letter_budget": 1, "session_timeout": SESSION_S}

    def log(self, seed, count):
        """As for Eventful."""
        lifelike = simulated(seed, CONTACTS, days=count // CONTACTS * 2 + 2, malformed=0.9)[: count * 2 // 3]
        return shuffled(seed, nasty(seed, count - len(lifelike), CONTACTS), lifelike)


class Newcomers:
    """By the wall clock: contacts who earn a tier at once, and keep it for months."""

    settings: ClassVar = {"clock": "wall", "timer_grace": GRACE_S, "fetch_records": 100, "session_timeout": SESSION_S}

    def log(self, seed, count):
        """As for Eventful."""
        due_ms = now_ms() + 80 * 86_400_000
        return [each for number in range(count // 3) for each in advocate(f"newcomer-{seed}-{number}", due_ms)]

    def closing(self, settings, log, sent):
        """Whoever has fallen silent so far."""
        return [], now_ms()


class Restart(Fault):
    """Kill -9 and a new start, at any moment."""

    name = "restart"
    rate = 150
    round_at_most_s = 60.0
    workers = 1
    traffic = Refusable()
    undoes = False

    def round(self, world):
        world.go_on(world.chance.uniform(0.5, 1.5))
        world.workers[0].kill()
        world.workers[0].start()
        world.until_healed()
        return "killed"


class DeathBetweenOutputsAndState(KillAtPoint):
    """Kill -9 when outputs are written and states are not."""

    settings: ClassVar = {"session_timeout": SESSION_S}
    workers = 1

    rate = 150
    round_at_most_s = 60.0

    def __init__(self):
        super().__init__("outputs-acknowledged")

    def most(self):
        return 10


class DeathWithAStoreOnDisk(DeathBetweenOutputsAndState):
    """The worker comes back to its copy on disk."""

    settings: ClassVar = DeathBetweenOutputsAndState.settings | {"store": "rocksdb://"}


class ZombieAtRest(Fault):
    """Frozen beyond its session with touchpoints folded and nothing half written, let go when others have gone on."""

    name = "zombie-at-rest"
    rate = 150
    round_at_most_s = 60.0
    settings: ClassVar = {
        "checkpoint_interval": 1.0,
        "session_timeout": SESSION_S,
    }  # the same moments for all partitions, then nothing for a while
    expected_ends = frozenset({ExitCode.INTERNAL})
    undoes = False

    def round(self, world):
        victim = world.workers[0]
        world.until(victim.is_ready, "the victim's start")
        world.until_healed()
        self._freeze_at_rest(world, victim)
        world.until_healed()
        joined, ended = victim.log.count(JOINED), world.ends.total()
        victim.process.send_signal(signal.SIGCONT)
        world.until(lambda: world.ends.total() > ended or victim.log.count(JOINED) > joined, "its end or return", 10)
        world.until_healed(AFTERWARDS_S)
        return "frozen between two transactions"

    def _freeze_at_rest(self, world, victim):
        for _ in range(20):
            before = world.uncommitted.count
            world.go_on(0.3)
            if world.uncommitted.count != before:
                continue
            victim.process.send_signal(signal.SIGSTOP)
            if not left_open(world.direct, looks=4):  # what others have open goes away while we look
                return
            victim.process.send_signal(signal.SIGCONT)
        raise NotHealedError("no moment without a transaction")


class RefusedBatches(Fault):
    """For a while an operator lets a topic take next to nothing; then he puts it right and restarts what was at work."""

    name = "refused-batches"
    settings: ClassVar = {"session_timeout": SESSION_S}
    workers = 1
    rate = 150
    round_at_most_s = 60.0
    expected_ends = frozenset({ExitCode.DATA, ExitCode.WRONG_USE})
    undoes = False

    def round(self, world):
        topic = output_topic(world.direct, world.direct.tier_changes_topic)
        world.until(world.workers[0].is_ready, "a worker at work")
        set_on_topic(world.direct, topic, "max.message.bytes", "100")
        began = time.monotonic()
        world.until(lambda: world.ends.total() or time.monotonic() > began + 3, "a refusal")
        set_on_topic(world.direct, topic, "max.message.bytes", str(1 << 20))
        world.workers[0].kill()
        world.workers[0].start()
        world.until_healed()
        return "refused for a while"


class GhostBetweenWrites(NetworkFault):
    """A commit held back gets through when the next transaction, if there is one, has written its outputs."""

    name = "ghost-between-writes"
    settings: ClassVar = {"session_timeout": SESSION_S}
    rate = 150
    round_at_most_s = 60.0
    workers = 1
    undoes = True

    def round(self, world):
        proxy = world.place.proxy
        ghost = Ghost(proxy, "after the first write", nth=world.chance.randint(1, 10), settle_s=0.2)
        world.until(ghost.gone.is_set, "a commit held back, and the write after it")
        world.until_healed()
        proxy.clear()
        return f"got through, answered with {ghost.answer}"


class Absence(Fault):
    """Nobody at work while tiers fall due. What some of those contacts did in time lies unread at the end of a backlog."""

    name = "absence"
    workers = 1
    rate = 60
    round_at_most_s = 25.0
    traffic = Newcomers()
    undoes = False
    backlog = 8_000

    def round(self, world):
        number = len(world.happened)
        contacts = [
            each
            for partition in range(world.settings.partitions)
            for each in islice(contacts_in(world.settings, partition, f"round-{number}"), 20)
        ]
        active, due_ms = contacts[::2], now_ms() + 4_000
        publish(world.direct, [each for contact in contacts for each in advocate(contact, due_ms)])
        world.until(lambda: set(contacts) <= _heard_of(world), "the tiers that are to be lost", 3)
        world.workers[0].kill()
        time.sleep(max(0, due_ms - now_ms()) / 1000 + GRACE_S + 0.5)
        publish(world.direct, [touchpoint(f"other-{n}", "page.viewed", due_ms - 1_000) for n in range(self.backlog)])
        publish(world.direct, [touchpoint(contact, "review.posted", due_ms - 1_000) for contact in active])
        world.workers[0].start()
        world.until_healed()
        world.happened[f"absence {number}"] += 1
        return f"{len(active)} of {len(contacts)} contacts active meanwhile"


def _heard_of(world):
    return {message.key().decode() for messages in world.committed.records for message in messages}
