"""Where producers of each kind put a key: the partition must be known to tell a misplaced contact."""

from __future__ import annotations

import zlib
from typing import Final, Literal, assert_never

Partitioner = Literal["murmur2", "crc32"]

_HASH: Final = 0xFFFFFFFF
_BY_CRC32: Final = 1 << 32  # set in a placement by crc32, so that nobody takes it for one by murmur2


def partition_of(key: bytes, partitions: int, partitioner: Partitioner) -> int:
    """The partition out of `partitions` that an upstream producer chooses for `key`.

    Args:
        key: the record's key, not empty.
        partitions: how many partitions the topic has, at least 1.
        partitioner: `murmur2` as Kafka's Java client, aiokafka and Faust place keys; `crc32` as librdkafka does
            by default (`consistent_random`).
    """
    return partition_at(placement_of(key, partitioner), partitions)


def placement_of(key: bytes, partitioner: Partitioner) -> int:
    """What decides the partition of `key` for any number of partitions: kept where the key itself must not stay.

    Fewer than 34 bits. It tells less than any digest that the key could be looked up under.
    """
    if partitioner == "murmur2":
        return murmur2(key) & 0x7FFFFFFF
    if partitioner == "crc32":
        return _BY_CRC32 | zlib.crc32(key)
    assert_never(partitioner)


def partition_at(placement: int, partitions: int) -> int:
    """The partition out of `partitions` of the key with this placement."""
    return (placement & _HASH) % partitions


def placed_by(placement: int) -> Partitioner:
    """The kind of producer that this placement follows."""
    return "crc32" if placement & _BY_CRC32 else "murmur2"


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
