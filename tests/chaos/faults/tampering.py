"""Somebody meddles with what belongs to the workers: transactional ids, the group's offsets, the age of the logs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import ClassVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from chaos.campaign import Fault
from chaos.faults.killing import KillAtRandom
from chaos.world import LOOK_S, NotHealedError, Place
from palier.engine.meta import META_KEY, Meta, encode_meta
from palier.errors import ExitCode
from palier.kafka.local import LocalKafka
from worker_kit import reading
from worker_kit.reading import changelog_topic, output_topic
from worker_kit.topics import set_on_topic
from worker_kit.touchpoints import touchpoints_topic

BACK_WITHIN_S = 15.0


class Hijack(Fault):
    """A producer of somebody else takes the transactional id of a partition, and mostly leaves a transaction open.

    A broker answers a commit that arrives in the middle of that with UNKNOWN_SERVER_ERROR now and then; otherwise the worker
    knows, and says so.
    """

    name, title = "hijack", "somebody else's producer with the transactional id of a partition"
    rate = 200
    round_at_most_s = 40.0
    settings: ClassVar = {"session_timeout": 15}  # the default: nobody may have to wait for its end
    expected_ends = frozenset({ExitCode.INTERNAL})
    undoes = False
    reason = "fenced by a newer producer with our transactional id"

    def round(self, world):
        number, leaves_open = world.chance.randrange(world.settings.partitions), world.chance.random() < 0.7
        world.until(lambda: all(worker.is_ready() for worker in world.workers), "all at work")
        before, began = world.ends.copy(), time.monotonic()
        thief = self._take(world, number)
        written = self._write(world, thief, number) if leaves_open else "nothing"
        world.until(lambda: world.ends != before, "the end of the worker whose id it was", BACK_WITHIN_S)
        ended_s = time.monotonic() - began
        world.until_healed(began + BACK_WITHIN_S - time.monotonic())
        healed_s, ends = time.monotonic() - began, world.ends - before
        if any(f"partition {number}, committing: Kafka refuses: [Error -1]" in why for _, why in ends):
            world.happened["a commit met the thief's arrival, and the broker gave no reason"] += 1
        elif not any(f"partition {number}: {self.reason}" in why for _, why in ends):
            raise NotHealedError(f"nobody says that partition {number} was taken: {dict(ends)}")
        world.happened["taken"] += 1
        world.happened[f"left open: {written}"] += 1
        return f"partition {number}: ended after {ended_s:.1f} s, back after {healed_s:.1f} s, left open: {written}"

    def _take(self, world, number):
        thief = Producer(
            {
                "bootstrap.servers": world.direct.brokers,
                "transactional.id": f"{world.settings.application}-p{number}",
                "log_level": 0,
            }
        )
        thief.init_transactions(BACK_WITHIN_S)
        return thief

    def _write(self, world, thief, number):
        """A tier change that was told before, and a META from nowhere; what was written, in a word."""
        told = world.committed.records[number][-1]
        meta = encode_meta(Meta(batch_number=10**9))
        changes = output_topic(world.direct, world.direct.tier_changes_topic)
        failed = []
        try:
            thief.begin_transaction()
            for topic, value, key, headers in (
                (changes, told.value(), told.key(), told.headers()),
                (changelog_topic(world.direct), meta, META_KEY, []),
            ):
                thief.produce(
                    topic,
                    value,
                    key,
                    number,
                    headers=headers,
                    on_delivery=lambda error, _: failed.append(error) if error else None,
                )
            left = thief.flush(BACK_WITHIN_S)
        except KafkaException:
            return "nothing, its owner was back too soon"
        return "nothing, its owner was back too soon" if failed or left else "two records"

    def unproven(self, world, verdict):
        if not any(self.reason in why for _, why in world.ends):
            return "no worker ever learnt that it was shut out"
        return "" if world.happened["left open: two records"] else "no transaction was ever left open"


class MovedOffsets(Fault):
    """While nobody is at work, the offsets of the group are moved or deleted. META says where to go on, not they."""

    name, title = "offsets", "offsets of the group set back, ahead, or deleted, all workers restarted"
    round_at_most_s = 30.0
    undoes = False
    ways = ("to the beginning", "back", "ahead", "deleted")

    def round(self, world):
        way, kills = self.ways[sum(world.happened.values()) % len(self.ways)], world.chance.random() < 0.5
        victims = list(world.workers)
        for worker in victims:
            if kills:
                world.workers.remove(worker)
                worker.kill()
            else:
                world.stop_worker(worker)
        self._move(world, way)
        for worker in victims:
            worker.start()
            world.workers.append(worker)
        world.until_healed()
        world.happened[way] += 1
        return f"{way}, {'killed' if kills else 'stopped'}"

    def _move(self, world, way):
        """Once the group has no member: whoever was killed is one until its session is over."""
        admin, deadline = AdminClient({"bootstrap.servers": world.direct.brokers}), time.monotonic() + BACK_WITHIN_S
        while True:
            try:
                self._try_to_move(world, admin, way)
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(LOOK_S)
            else:
                return

    def _try_to_move(self, world, admin, way):
        group, topic = world.direct.application, touchpoints_topic(world.direct)
        if way == "deleted":
            admin.delete_consumer_groups([group])[group].result()
            return
        offset_of = {
            "to the beginning": lambda _: 0,
            "back": world.chance.randrange,
            "ahead": lambda end: end + 1_000_000,
        }[way]
        places = [
            TopicPartition(topic, number, offset_of(end + 1 if way == "back" else end))
            for number, end in enumerate(reading.ends(world.direct, topic))
        ]
        wanted = ConsumerGroupTopicPartitions(group, places)
        moved = admin.alter_consumer_group_offsets([wanted])[group].result()
        if refused := [place.error for place in moved.topic_partitions if place.error]:
            raise KafkaException(refused[0])

    def unproven(self, world, verdict):
        missing = set(self.ways) - world.happened.keys()
        return f"never moved {', '.join(sorted(missing))}" if missing else ""


class KillWhileCompacting(KillAtRandom):
    """Brokers remove what is outdated from changelog and tier-current all the time, while workers recover from them."""

    name, title = "kill-compacting", "`kill -9` at random while brokers compact all the time"
    cleaner_rests_ms = "200"
    pace: ClassVar = {"segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01"}

    @contextmanager
    def place(self, shared, folder):
        with LocalKafka(folder / "kafka", properties={"log.cleaner.backoff.ms": self.cleaner_rests_ms}) as kafka:
            yield Place(kafka.brokers, kafka.brokers, kafka=kafka)

    def prepare(self, world):
        compacted = changelog_topic(world.direct), output_topic(world.direct, world.direct.tier_current_topic)
        for topic in compacted:
            for name, value in self.pace.items():
                set_on_topic(world.direct, topic, name, value)

    def judging(self, world):
        return {"compacted": True}

    def unproven(self, world, verdict):
        world.happened["METAs compacted away"] = verdict.metas_gone
        if verdict.metas_gone < verdict.transactions // 2:
            return f"only {verdict.metas_gone} of {verdict.transactions} METAs were compacted away"
        return super().unproven(world, verdict)


FAULTS = (Hijack(), MovedOffsets(), KillWhileCompacting())
