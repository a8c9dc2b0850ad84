"""Records as aiokafka's reader makes them, without the second object that it wraps around each.

A `ConsumerRecord` adds topic, partition and sizes, and costs as much as reading the record itself. The engine knows topic
and partition from the batch, and asks a record for nothing that `palier.engine.ports.Record` does not have.
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer import fetcher


def as_stored(value: Any) -> Any:
    """A consumer with this deserializer of values hands out records as they are stored."""
    return value


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc] # aiokafka is untyped here
    """Records of one fetch; for every consumer but ours as in aiokafka."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if self._value_deserializer is as_stored:
            self._consumer_record = _unwrapped


def _unwrapped(_tp: Any, record: Any) -> Any:
    return record


def hand_out_records_as_stored(consumer: Any) -> None:
    """Do so for a consumer that is not started yet; others of this process stay as they are."""
    fetcher.PartitionRecords = _PartitionRecords
    consumer._value_deserializer = as_stored  # noqa: SLF001 - watched by test_hooks
