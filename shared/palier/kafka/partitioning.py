"""Where producers of each kind put a key: the partition must be known to tell a misplaced contact."""

from __future__ import annotations

import zlib
from typing import Literal, assert_never

Partitioner = Literal["murmur2", "crc32"]


def partition_of(key: bytes, partitions: int, partitioner: Partitioner) -> int:
    """The partition out of `partitions` that an upstream producer chooses for `key`.

    Args:
        key: the record's key, not empty.
        partitions: how many partitions the topic has, at least 1.
        partitioner: `murmur2` as Kafka's Java client, aiokafka and Faust place keys; `crc32` as librdkafka does
            by default (`consistent_random`).
    """
    if partitioner == "murmur2":
        return (murmur2(key) & 0x7FFFFFFF) % partitions
    if partitioner == "crc32":
        return zlib.crc32(key) % partitions
    assert_never(partitioner)


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, seed 0x9747B28C, as Kafka's Java client computes it; here unsigned."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    value = 0x9747B28C ^ len(data)
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        value = value * multiplier & mask ^ word
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return value ^ value >> 15
