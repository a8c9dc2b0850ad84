"""Header names that are no text."""

from __future__ import annotations

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.record.util import calc_crc32c

from palier.engine.tolerant_records import TolerantRecords


def batch(name, *, count=3, compression=0):
    """A batch of records that each have a header of that name; names of the same length are put in place of n's."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 20)
    for number in range(count):
        builder.append(number, 1_000 + number, b"key", b"value %d" % number, [("n" * len(name), b"v")])
    built = bytearray(bytes(builder.build()).replace(b"n" * len(name), name))
    built[17:21] = calc_crc32c(bytes(built[21:])).to_bytes(4, "big")
    return bytes(built)


def read(records):
    """Everything a fetcher takes from records."""
    taken = []
    while records.has_next():
        found = records.next_batch()
        assert found.validate_crc()
        taken += [(one.offset, one.timestamp, one.key, one.value, list(one.headers)) for one in found]
    return taken


def test_stock_aiokafka_cannot_read_them():
    """The reason for all this; when it passes no more, this module can go."""
    with pytest.raises(UnicodeDecodeError):
        read(MemoryRecords(batch(b"caf\xe9")))


def test_a_name_that_is_no_text_gets_a_replacement_character():
    """Nothing else of the record changes, nor do its neighbours, in whatever batch they came."""
    data = batch(b"good") + batch(b"caf\xe9", count=2) + batch(b"fine", count=1)
    got = read(TolerantRecords(data))
    assert [value for _, _, _, value, _ in got] == [
        b"value 0",
        b"value 1",
        b"value 2",
        b"value 0",
        b"value 1",
        b"value 0",
    ]
    assert [headers for *_, headers in got[3:5]] == [[("caf\ufffd", b"v")]] * 2
    assert [headers for *_, headers in got[:3] + got[5:]] == [[("good", b"v")]] * 3 + [[("fine", b"v")]]


@pytest.mark.parametrize("compression", [0, 3], ids=["plain", "lz4"])
def test_lawful_batches_read_as_before(compression):
    """Same records as from aiokafka itself."""
    data = batch(b"name", count=50) if not compression else None
    if data is None:
        builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1 << 20)
        for number in range(50):
            builder.append(number, 5, None, None, [("h", None)])
        data = bytes(builder.build())
    assert read(TolerantRecords(data)) == read(MemoryRecords(data))
    assert TolerantRecords(data).size_in_bytes() == len(data)


def test_the_places_inside_aiokafka_are_where_we_look():
    """The name that the fetcher reads with, and the pure Python reader's buffer."""
    assert hasattr(fetcher, "MemoryRecords")
    assert hasattr(_MemoryRecordsPy(b""), "_next_slice")
