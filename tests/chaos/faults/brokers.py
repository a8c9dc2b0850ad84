"""The broker dies, stops, freezes or stays away; the only one, or one of three."""

from __future__ import annotations

import os
import time
from abc import abstractmethod
from contextlib import contextmanager, suppress
from typing import ClassVar
from unittest.mock import patch

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.campaign import Fault
from chaos.cluster import GROUP, NUMBERS, TRANSACTION, ThreeBrokers, pause, resume
from chaos.proxy import KafkaProxy, kafka_behind
from chaos.proxy_rules import Call, Cut, Drop
from chaos.world import CRASHED, LOOK_S, Place
from palier.contracts.records import BATCH_HEADER
from palier.engine.failpoints import VARIABLE
from palier.engine.meta import META_KEY, decode_meta
from palier.errors import ExitCode
from palier.kafka.local import LocalKafka
from worker_kit.reading import changelog_topic, consumer, ends, output_topic
from worker_kit.touchpoints import touchpoints_topic

BACK_WITHIN_S = 60.0
START_LIMIT_S = 180.0  # of a broker, on a machine that does much else
MANY = 200
# A start takes a third less CPU without the compiler that pays off later; these brokers are started often.
QUICK_START = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
MARKERS_FORGOTTEN = "Couldn't find leader endpoint"  # the broker's log; it takes the partitions for deleted
# The worker's log, when it has undone a transaction that a broker forgot, and when it has completed one.
HANGING_ENDED, COMPLETED = "lay open after fencing", "written again"


class BrokerFault(Fault):
    """A broker of its own, which may be hurt."""

    rate = 150
    settings: ClassVar = {"session_timeout": 6.0}  # a busy machine is no fault of a worker
    round_at_most_s = 60.0  # a broker's start on a busy machine is most of it
    expected_ends = frozenset({ExitCode.INTERNAL})
    undoes = False

    @contextmanager
    def place(self, shared, folder):
        with patch.dict(os.environ, QUICK_START), LocalKafka(folder / "kafka") as kafka:
            yield Place(kafka.brokers, kafka.brokers, kafka=kafka)

    def round(self, world):
        world.go_on(world.chance.uniform(0.0, 1.0))
        what = self.hurt(world, world.place.kafka)
        took_s = caught_up_after(world)
        return f"{what}, all read and committed {took_s:.0f} s after it was back"

    @abstractmethod
    def hurt(self, world, kafka):
        """Do it, and undo it; what it was."""


class BrokerKilled(BrokerFault):
    """Kill -9, and a new start soon."""

    name, title = "broker-kill", "the broker killed (`kill -9`)"

    def hurt(self, world, kafka):
        down_s = world.chance.choice((0.0, 2.0, 5.0))
        kafka.kill()
        world.go_on(down_s)
        kafka.start(START_LIMIT_S)
        return f"killed, down {down_s:.0f} s and its start"


class BrokerStopped(BrokerFault):
    """SIGTERM: connections end in good order, and no transaction is forgotten."""

    name, title = "broker-stop", "the broker stopped (SIGTERM) and started"

    def hurt(self, world, kafka):
        kafka.stop()
        world.go_on(world.chance.choice((0.0, 2.0)))
        kafka.start(START_LIMIT_S)
        return "stopped"


class BrokerFrozen(BrokerFault):
    """SIGSTOP: nobody is told, and afterwards everything that was asked meanwhile is answered."""

    name, title = "broker-freeze", "the broker frozen for 5 to 20 s (SIGSTOP)"

    def hurt(self, world, kafka):
        frozen_s = world.chance.uniform(5, 20)
        pause(kafka)
        try:
            world.go_on(frozen_s)
        finally:
            resume(kafka)
        return f"frozen for {frozen_s:.0f} s"


class BrokerAway(BrokerFault):
    """For longer than a transaction may be open and than a worker waits for a broker."""

    name, title = "broker-away", "the broker away for 70 s"
    round_at_most_s = 150.0
    away_s = 70.0
    # A start that finds no broker gives up after PALIER_STARTUP_TIMEOUT.
    expected_ends = frozenset({ExitCode.INTERNAL, ExitCode.UNAVAILABLE})

    def hurt(self, world, kafka):
        before = world.ends.total()
        kafka.kill()
        world.go_on(self.away_s)
        ended = world.ends.total() - before
        assert ended <= len(world.workers) * self.away_s / 5, f"{ended} ends in {self.away_s:.0f} s: it does not wait"
        kafka.start(START_LIMIT_S)
        return f"away for {self.away_s:.0f} s, {ended} workers ended"


def caught_up_after(world, limit_s=BACK_WITHIN_S):
    """Seconds until META of every partition has reached what is the source's end now, and downstream hears of more.

    Both by readers who see only what is committed: so no transaction is left open either.
    """
    began = time.monotonic()
    topic = touchpoints_topic(world.direct)
    wanted, reached = [], [0] * world.direct.partitions
    reader = consumer(world.direct, changelog_topic(world.direct))

    def ends_are_known():
        with suppress(KafkaException):  # no leader yet
            wanted[:] = ends(world.direct, topic)
        return wanted

    def is_read():
        for message in reader.consume(20_000, LOOK_S):
            if not message.error() and message.key() == META_KEY:
                reached[message.partition()] = decode_meta(message.value()).positions[topic]
        return all(position >= end for position, end in zip(reached, wanted, strict=True))

    try:
        world.until(ends_are_known, "leaders of the source", limit_s)
        world.until(is_read, f"META at {wanted}", limit_s)
    finally:
        reader.close()
    world.until_healed(limit_s)
    return time.monotonic() - began


# --- KAFKA-20734 ----------------------------------------------------------------------------------------------------------
class KilledAtTheEnd(BrokerFault):
    """Killed when commits are written down and their markers are not: when it is back it may forget to write them.

    Then a transaction hangs: nobody reads past it, and the next end of its producer's would decide its fate too. The proxy
    keeps markers back, also those that a broker sends itself, so every partition's commit is at that point.
    """

    name, title = "broker-kill-commit", "the broker killed while commits are under way (KAFKA-20734)"
    workers, partitions = 1, 8  # a transaction each
    rate, round_at_most_s = 100, 120.0
    expected_ends = frozenset({CRASHED, ExitCode.INTERNAL})
    # A store on disk must not be ahead of what is committed in the end.
    settings: ClassVar = BrokerFault.settings | {"store": "rocksdb://"}

    @contextmanager
    def place(self, shared, folder):
        proxy = KafkaProxy()
        properties = {"inter.broker.listener.name": "PROXIED", "transaction.state.log.num.partitions": "1"}
        with patch.dict(os.environ, QUICK_START), proxy, kafka_behind(proxy, folder / "kafka", properties) as kafka:
            make_many_partitions(kafka.brokers)
            yield Place(proxy.brokers, kafka.brokers, kafka=kafka, proxy=proxy)

    def hurt(self, world, kafka):
        before, proxy = marker_losses(world), world.place.proxy
        markers = proxy.rule("WriteTxnMarkers", Drop(), times=None)
        world.until(lambda: markers.struck, "markers of a commit")
        world.go_on(world.chance.uniform(0.3, 1.0))  # until each partition has one
        kafka.kill()
        what = world.chance.choice(self.what_follows())
        proxy.clear()
        what(world, kafka)
        world.until_healed()
        skipped, met, completed = (now - then for now, then in zip(marker_losses(world), before, strict=True))
        world.happened["ends that the broker skipped"] += skipped
        world.happened["hanging transactions met"] += met
        world.happened["transactions completed"] += completed
        return (
            f"{what.__name__.replace('_', ' ')}; the broker skipped {skipped} ends, {met} hanging transactions met, "
            f"{completed} completed"
        )

    def what_follows(self):
        """Mostly a successor, who has to look for what hangs."""
        return [
            self.worker_dies_too, self.worker_dies_too, self.successor_dies_while_it_mends,
            self.worker_goes_on, self.worker_dies_before_its_next_commit,
        ]  # fmt: skip

    def worker_goes_on(self, world, kafka):
        """It has been told that its transaction is committed, and has begun another."""
        kafka.start(START_LIMIT_S)

    def worker_dies_too(self, world, kafka):
        """Its successor fences a producer whose transaction the broker takes for complete."""
        (worker,) = world.workers
        worker.kill()
        kafka.start(START_LIMIT_S)
        worker.start()

    def successor_dies_while_it_mends(self, world, kafka):
        """It undoes what hangs, with two calls, and dies between them: now its successor's fencing undoes it."""
        (worker,) = world.workers
        worker.kill()
        kafka.start(START_LIMIT_S)
        worker.start(**{VARIABLE: "end-due:1"})
        world.until(lambda: worker.process.poll() is not None, "its death", supervised=False)

    def worker_dies_before_its_next_commit(self, world, kafka):
        """The end of the next transaction, an abort, would be that of the forgotten one too."""
        (worker,) = world.workers
        process = worker.process
        kill = world.place.proxy.rule("EndTxn", Call(lambda _exchange: process.kill()))
        world.place.proxy.rule("EndTxn", Cut(), times=None, matching=lambda _exchange: process.poll() is None)
        kafka.start(START_LIMIT_S)
        world.until(lambda: kill.struck or process.poll() is not None, "the worker's end")
        world.place.proxy.clear()

    def unproven(self, world, verdict):
        skipped = world.happened["ends that the broker skipped"]
        return super().unproven(world, verdict) if skipped else "the broker skipped no end of a transaction"


def make_many_partitions(brokers):
    """The broker forgets markers while it learns that it leads no partition for a moment: the more, the longer."""
    admin = AdminClient({"bootstrap.servers": brokers})
    admin.create_topics([NewTopic("many", MANY, 1)])["many"].result()


def marker_losses(world):
    """(ends that the broker did not write at once, hanging transactions that a worker met, transactions that it completed).

    Most of the former are written later: a broker that is no coordinator any more when it has skipped the markers cannot
    take the transaction for ended either, and begins again.
    """
    skipped = world.place.kafka.log_path.read_text().count(MARKERS_FORGOTTEN)
    return skipped, *(sum(worker.log.count(line) for worker in world.workers) for line in (HANGING_ENDED, COMPLETED))


# --- one of three -----------------------------------------------------------------------------------------------------------
class OneOfThree(BrokerFault):
    """Each round another that does something: everything goes on without it, and it comes back in step."""

    name, title = "three-brokers", "three brokers, one killed at a time: leader, both coordinators, controller"

    @contextmanager
    def place(self, shared, folder):
        with patch.dict(os.environ, QUICK_START), ThreeBrokers(folder / "kafka") as kafka:
            yield Place(kafka.brokers, kafka.brokers, kafka=kafka)

    def hurt(self, world, kafka):
        roles = {
            "leader of touchpoints": lambda: kafka.leader(touchpoints_topic(world.direct)),
            "leader of the changelog": lambda: kafka.leader(changelog_topic(world.direct)),
            "coordinator of transactions": lambda: kafka.coordinator(TRANSACTION, f"{world.direct.application}-p0"),
            "coordinator of the group": lambda: kafka.coordinator(GROUP, world.direct.application),
            "controller": kafka.controller,
        }
        role = list(roles)[world.happened.total() % len(roles)]
        number = roles[role]()
        kafka[number].kill()
        world.happened[role] += 1
        without_s = caught_up_after(world)
        kafka[number].start(START_LIMIT_S)
        world.until(lambda: in_step(world.direct), "all copies in step")
        return f"{role} killed, all read and committed without it after {without_s:.0f} s"


def in_step(settings):
    """Whether every copy of every partition is."""
    admin = AdminClient({"bootstrap.servers": settings.brokers, "log_level": 0})
    topics = admin.list_topics(timeout=10).topics.values()
    return all(len(one.isrs) == len(NUMBERS) for topic in topics for one in topic.partitions.values())


# --- somebody else's transaction ------------------------------------------------------------------------------------------
class ForeignTransaction(Fault):
    """Somebody who should not writes to a topic of ours, in a transaction that stays open.

    It is not ours to end: the worker says where it is and ends; after it was ended, the next start goes on.
    """

    name, title = "foreign-transaction", "somebody else's open transaction on the changelog or an output"
    workers = 1
    round_at_most_s = 40.0
    rate = 200
    expected_ends = frozenset({ExitCode.INTERNAL})
    undoes = False

    def round(self, world):
        settings, partition = world.direct, world.chance.randrange(world.direct.partitions)
        topic = world.chance.choice(
            [changelog_topic(settings), output_topic(settings, settings.tier_current_topic)],
        )
        stranger = Producer(
            {
                "bootstrap.servers": settings.brokers,
                "transactional.id": f"{settings.topic_prefix}stranger",
                "log_level": 0,
            }
        )
        stranger.init_transactions(30)
        stranger.begin_transaction()
        stranger.produce(topic, None, b"stranger", partition, headers=[(BATCH_HEADER, b"0")])
        assert stranger.flush(30) == 0
        before, (worker,) = world.ends.copy(), world.workers
        worker.kill()
        worker.start()
        words = f"a transaction that is not ours is open in partition {partition} of {topic}"
        world.until(
            lambda: any(words in why for _, why in world.ends - before), "the end of a worker that names it", 40
        )
        stranger.abort_transaction(30)
        world.until_healed()
        world.happened[f"on {'the changelog' if topic == changelog_topic(settings) else 'an output'}"] += 1
        return f"open in partition {partition} of {topic.removeprefix(settings.topic_prefix)}"


FAULTS = (
    BrokerKilled(),
    BrokerStopped(),
    BrokerFrozen(),
    BrokerAway(),
    KilledAtTheEnd(),
    OneOfThree(),
    ForeignTransaction(),
)
