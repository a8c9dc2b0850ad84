"""What comes in is not as it should be: bursts of records that must be refused, one contact who does not stop."""

from __future__ import annotations

import json
from itertools import chain, cycle, islice
from typing import ClassVar

from chaos.campaign import Fault
from chaos.faults.killing import KillAtRandom
from chaos.traffic import HotContact
from palier.errors import ExitCode
from palier.kafka.partitioning import partition_of
from palier_simulator.malformed import FAULTS as MALFORMED
from worker_kit.poison import MIB, lawful, poisons, touchpoint
from worker_kit.topics import set_on_topic
from worker_kit.touchpoints import producer, touchpoints_topic

SMALL_BYTES = 1_000
BURST = 10_000


class Burst:
    """Records to send in one go, and as what each is refused once it lies somewhere."""

    def __init__(self, settings, refused):
        """`refused`: (partition, offset) -> reason; filled when delivered."""
        self._sender, self._topic = producer(settings), touchpoints_topic(settings)
        self._partitions, self._refused = settings.partitions, refused

    def send(self, kinds):
        """Send the records of (contact id, reason or None, key, value, headers, misplaced), and wait until all lie there."""
        for number, (contact_id, reason, key, value, headers, misplaced) in enumerate(kinds):
            home = partition_of(contact_id.encode(), self._partitions, "murmur2")
            self._sender.produce(
                self._topic,
                value,
                key,
                (home + misplaced) % self._partitions,
                self._noting(reason),
                headers=list(headers),
            )
            if number % 1_000 == 0:
                self._sender.poll(0)
        assert self._sender.flush(60) == 0

    def _noting(self, reason):
        def delivered(error, message):
            assert error is None, error
            if reason is not None:
                self._refused[message.partition(), message.offset()] = reason

        return delivered


def refusals_of(contact_id):
    """Every way to be refused that a producer can go, as `Burst.send` takes them: small ones, large ones."""
    ways = [(contact_id, one.reason, one.key, one.value, one.headers, 0) for one in poisons(contact_id).values()]
    for number, fault in enumerate(MALFORMED):
        good = touchpoint(contact_id) | {"id": f"{contact_id} {fault.name} {number}"}
        key = contact_id.encode()
        spoilt = fault.spoil_key(key) if fault.spoil_key else key
        ways.append((contact_id, fault.reason, spoilt, fault.spoil(good), (), int(fault.misplaced)))
    return [way for way in ways if is_small(way)], [way for way in ways if not is_small(way)]


def is_small(way):
    """Whether thousands of them are no burden."""
    _, _, key, value, headers, _ = way
    return len(key or b"") + len(value or b"") + sum(len(content or b"") for _, content in headers) < SMALL_BYTES


def goods_of(contact_id):
    """Two touchpoints that only together make a contact engaged."""
    return [(contact_id, None, contact_id.encode(), json.dumps(one).encode(), (), 0) for one in lawful(contact_id)]


class Poison(Fault):
    """Ten thousand refused records in a row, or each second one of so many, the heavy ones among them, under `kill -9`."""

    name, title = "poison", f"{BURST:,} refused records in a row, or every second one, under `kill -9`"
    rate = 200
    round_at_most_s = 90.0
    settings: ClassVar = {"dead_letter_budget": 1}
    undoes = False
    kills = 2

    def prepare(self, world):
        set_on_topic(world.direct, touchpoints_topic(world.direct), "max.message.bytes", str(16 * MIB))
        self._refused = {}
        self._bursts = 0

    def round(self, world):
        self._bursts += 1
        form, before = ("in a row", "every second one")[self._bursts % 2], len(self._refused)
        small, large = refusals_of(f"poisoner {self._bursts}")
        bad = [*islice(cycle(small), BURST - len(large)), *large]
        if form == "every second one":
            world.chance.shuffle(bad)
            good = chain.from_iterable(goods_of(f"neighbour {self._bursts} {number}") for number in range(BURST // 2))
            bad = list(chain.from_iterable(zip(bad, good, strict=True)))
        burst, step = Burst(world.direct, self._refused), len(bad) // (self.kills + 1) + 1
        for start in range(0, len(bad), step):
            burst.send(bad[start : start + step])
            if self.kills:
                self._kill(world)
        world.until_healed()
        count = len(self._refused) - before
        world.happened[f"refused {form}"] += count
        return f"{count} refused {form}"

    def _kill(self, world):
        world.go_on(world.chance.uniform(0, 1))
        victim = world.any_worker()
        victim.kill()
        victim.start()
        world.happened["killed"] += 1

    def judging(self, world):
        return {"refused_records": self._refused}

    def unproven(self, world, verdict):
        world.happened["dead letters"] = verdict.refused
        missing = {reason for reason in map(str, self._reasons()) if reason not in set(self._refused.values())}
        return f"never refused as {', '.join(sorted(missing))}" if missing else ""

    @staticmethod
    def _reasons():
        return {way[1] for way in chain(*refusals_of("anybody"))}


class PoisonStops(Poison):
    """The same with the budget that workers have by default: they stop and say so; who insists gets through."""

    name, title = "poison-stop", f"{BURST:,} refused records in a row are above the budget"
    round_at_most_s = 120.0
    settings: ClassVar = {}
    expected_ends = frozenset({ExitCode.DATA})
    kills = 0

    def round(self, world):
        before = world.ends.copy()
        what = super().round(world)
        world.until(lambda: world.ends != before, "the end of a worker by its budget")
        world.until_healed()
        ends = world.ends - before
        assert all("more than PALIER_DEAD_LETTER_BUDGET=0.5 allows" in why for _, why in ends), ends
        return f"{what}, {ends.total()} times above the budget"


class KillUnderHotContact(KillAtRandom):
    """One contact makes nearly a third of all traffic."""

    name, title = "hot", "one contact with 30 % of the traffic, under `kill -9`"
    traffic = HotContact()

    def unproven(self, world, verdict):
        share = self.traffic.share
        world.happened["hot contact's percent"] = round(100 * share)
        return super().unproven(world, verdict) if share > 0.25 else f"the hot contact had {share:.0%} of the traffic"


FAULTS = (Poison(), PoisonStops(), KillUnderHotContact())
