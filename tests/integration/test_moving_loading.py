"""Writing in bulk: many transactions, each whole; and one writer at a time."""

from __future__ import annotations

import asyncio

import pytest

from palier.errors import BrokerUnreachableError, ConfigurationError
from palier.kafka.extents import Extent, consumer, extents, read_through
from palier.moving import loading
from palier.moving.loading import loader
from palier.moving.standstill import Topics, settled_extents


def read_back(settings, topic):
    """Every committed record, by partition."""

    async def read():
        async with consumer(settings) as reader:
            return [
                [
                    (record.key, record.value, record.headers)
                    async for records, _ in read_through(reader, topic, number, extent, 20)
                    for record in records
                ]
                for number, extent in enumerate(await settled_extents(settings, topic))
            ]

    return asyncio.run(read())


def test_records_of_many_transactions_arrive_in_order(topic_settings, monkeypatch):
    """Whatever the limits of transaction and batch; tombstones and headers too; markers between them are read over."""
    monkeypatch.setattr(loading, "TRANSACTION_BYTES", 10_000)
    monkeypatch.setattr(loading, "BATCH_BYTES", 3_000)
    topic = Topics.of(topic_settings).tier_current
    wanted = [[], [], [], []]

    async def write():
        async with loader(topic_settings, f"{topic_settings.application}-import") as load:
            for index in range(2_000):
                record = (
                    f"c{index}".encode(),
                    None if index % 7 == 0 else bytes(index % 100),
                    [("h", b"1")] * (index % 2),
                )
                wanted[index % 3].append((record[0], record[1], tuple(record[2])))
                await load.add(topic, index % 3, *record)
            await load.commit()
            await load.commit()  # nothing was added since

    asyncio.run(write())
    assert read_back(topic_settings, topic) == wanted
    found = asyncio.run(extents(topic_settings, topic, 4))
    assert found[3] == Extent(0, 0, 0)
    assert found[0].end > len(wanted[0]) + 3, "several transactions, each with its marker"


def test_what_was_not_committed_is_not_there(topic_settings):
    """A writer that fails takes what it wrote along."""
    topic = Topics.of(topic_settings).tier_current

    async def write():
        async with loader(topic_settings, "some") as load:
            await load.add(topic, 0, b"kept", b"1", [])
            await load.commit()
            await load.add(topic, 0, b"lost", b"1", [])
            await load.add(topic, 0, b"lost with it", b"1" * 899_000, [])  # so that the first one is on its way
            await asyncio.sleep(0.2)
            raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        asyncio.run(write())
    assert [record[0] for record in read_back(topic_settings, topic)[0]] == [b"kept"]


def test_a_second_import_shuts_the_first_one_out(topic_settings):
    """Two files at once would be mixed."""
    topic, name = Topics.of(topic_settings).tier_current, f"{topic_settings.application}-import"

    async def write():
        async with loader(topic_settings, name) as first:
            await first.add(topic, 0, b"first", b"1", [])
            async with loader(topic_settings, name) as second:
                await second.add(topic, 0, b"second", b"1", [])
                await second.commit()
            await first.commit()

    with pytest.raises(ConfigurationError, match="one import at a time"):
        asyncio.run(write())
    assert [record[0] for record in read_back(topic_settings, topic)[0]] == [b"second"]


def test_a_broker_that_goes_away_while_reading_is_told(make_kafka, tmp_path):
    """Not waited for for ever."""
    from palier.kafka.topics import apply_topics
    from palier.settings import Settings

    kafka = make_kafka()
    settings = Settings(brokers=kafka.brokers, partitions=1, startup_timeout=2)
    topic = Topics.of(settings).tier_current

    async def read():
        await apply_topics(settings, lambda _line: None)
        async with consumer(settings) as reader:
            kafka.kill()
            async for _ in read_through(reader, topic, 0, Extent(0, 9, 9), settings.startup_timeout):
                pass

    with pytest.raises(BrokerUnreachableError, match=r"partition 0: no answer for 2 s"):
        asyncio.run(read())
    with pytest.raises(BrokerUnreachableError):
        asyncio.run(extents(settings, topic, 1))
