"""Where upstream producers put keys."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from palier.kafka.partitioning import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "signed_hash"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_is_that_of_kafkas_java_client(key: bytes, signed_hash: int):
    """The hash of a key is the one that Kafka's own tests of the Java client expect."""
    assert murmur2(key) == signed_hash & 0xFFFFFFFF


@given(key=st.binary(min_size=1, max_size=200), partitions=st.integers(1, 4096))
def test_murmur2_partitions_are_those_of_aiokafka(key: bytes, partitions: int):
    """Keys of every length, tail bytes and high bits included, go where aiokafka's default partitioner puts them."""
    everywhere = list(range(partitions))
    assert partition_of(key, partitions, "murmur2") == DefaultPartitioner()(key, everywhere, everywhere)


@pytest.mark.parametrize(("key", "hashed"), [(b"123456789", 0xCBF43926), (b"a", 0xE8B7BE43)])
def test_crc32_is_the_ieee_checksum_taken_as_unsigned(key: bytes, hashed: int):
    """The default of librdkafka is the CRC-32 of IEEE 802.3; a high bit never makes a negative partition."""
    for partitions in (1, 4, 7, 12, 4096):
        assert partition_of(key, partitions, "crc32") == hashed % partitions


@given(key=st.binary(min_size=1, max_size=200), partitions=st.integers(1, 4096))
def test_every_key_has_a_partition_that_exists(key: bytes, partitions: int):
    """No partitioner ever names a partition that the topic does not have."""
    assert 0 <= partition_of(key, partitions, "murmur2") < partitions
    assert 0 <= partition_of(key, partitions, "crc32") < partitions
