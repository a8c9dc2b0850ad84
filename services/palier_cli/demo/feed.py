"""Tier changes as downstream automation sees them: read committed, from the topic, without a consumer group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from palier.contracts.tier_change import TierChange
from palier.kafka.clients import client_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from palier.settings import Settings


async def follow_tier_changes(settings: Settings, seen: Callable[[TierChange], None]) -> None:
    """Hand every tier change from the beginning of the topic to `seen`; runs until it is cancelled."""
    consumer = AIOKafkaConsumer(
        **client_settings(settings),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
    )
    topic = f"{settings.topic_prefix}{settings.tier_changes_topic}"
    consumer.assign([TopicPartition(topic, partition) for partition in range(settings.partitions)])
    await consumer.start()
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=200)
            for records in batches.values():
                for record in records:
                    seen(TierChange.model_validate_json(record.value))
    finally:
        await consumer.stop()
