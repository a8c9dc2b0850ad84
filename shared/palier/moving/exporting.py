"""The way out: what an application knows of its contacts, read from Kafka into a file. Changes nothing in Kafka."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, TypeVar

from palier.contracts.moments import format_moment
from palier.contracts.records import BATCH_HEADER
from palier.errors import ConfigurationError, DataError
from palier.kafka.cluster import connect
from palier.kafka.extents import consumer, read_through
from palier.kafka.partitioning import placed_by
from palier.moving.changelog import ChangelogPartition, last_values
from palier.moving.contents import (
    UNKNOWN_PLACEMENT,
    Contact,
    Current,
    Header,
    Kind,
    PartitionPart,
    Seal,
    contact_bytes,
    current_bytes,
)
from palier.moving.set_digest import SetDigest
from palier.moving.standstill import Topics, require_stopped, require_topics, settled_extents
from palier.moving.state_file import new_state_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Self

    from aiokafka import AIOKafkaConsumer

    from palier.contracts.contact_state import StateHead
    from palier.engine.meta import Meta
    from palier.kafka.extents import Extent
    from palier.moving.state_file import Content, StateFileWriter
    from palier.settings import Settings

Progressed: TypeAlias = "Callable[[str, int, int], None]"
"""Called now and then with what is being done, how much of it is done, and how much there is."""

Item = TypeVar("Item")

BLOCK_BYTES: Final = 1 << 20  # of records, before compression
SUMMARY: Final = frozenset({"contacts", "newest_occurred_at", "newest_timestamp", "pack", "state_version", "stub_salt"})
"""Members of META's summary that a move knows how to carry."""


class Exported(NamedTuple):
    """What an export came to."""

    seal: Seal
    parts: tuple[PartitionPart, ...]
    bytes: int


async def export_state(
    settings: Settings, path: Path, *, undrained: bool, now_ms: int, progressed: Progressed
) -> Exported:
    """Write contacts, stubs and current tiers of all partitions, and where these stand, to a new file.

    Args:
        settings: of the application; its workers are stopped.
        path: of the file; it gets this name once it is whole.
        undrained: take touchpoints that are not folded yet for granted. Such a file is a backup: it can be imported
            only where those touchpoints still lie.
        now_ms: for the header.
        progressed: see Progressed.

    Raises:
        ConfigurationError: workers are at work, touchpoints are left to fold, topics are wrong, the file is there.
        DataError: the state is damaged.
        BrokerUnreachableError: no broker answers.
    """
    topics = Topics.of(settings)
    async with connect(settings) as cluster:
        await require_topics(cluster, settings, topics)
        await require_stopped(cluster, settings.application)
        cluster_id = await cluster.id()
        committed = await cluster.committed(settings.application, topics.touchpoints)
    before = {topic: await settled_extents(settings, topic) for topic in topics}
    header = Header(
        written_at=format_moment(now_ms),
        application=settings.application,
        cluster=cluster_id,
        touchpoints=topics.touchpoints,
        tier_current=topics.tier_current,
        partitions=settings.partitions,
        partitioner=settings.partitioner,
    )
    with new_state_file(path) as file:
        export = _Export(settings, topics, before, committed, _Appender(file), progressed)
        async with export.file as appender:
            await appender.append(Kind.HEADER, header)
            async with consumer(settings) as reader:
                numbers = range(header.partitions)
                parts = [await export.partition(reader, number, undrained=undrained) for number in numbers]
            seal = export.seal()
            await appender.append(Kind.SEAL, seal)
        async with connect(settings) as cluster:
            await require_stopped(cluster, settings.application)
        if await settled_extents(settings, topics.changelog) != before[topics.changelog]:
            raise ConfigurationError(
                f"a worker of {settings.application} has been at work meanwhile: stop it, try again"
            )
    return Exported(seal, tuple(parts), file.bytes)


class _Appender:
    """Appends blocks in a thread, one at a time: the next is made up while this one is compressed."""

    def __init__(self, file: StateFileWriter) -> None:
        self._file = file
        self._under_way: asyncio.Future[None] | None = None

    async def append(self, kind: Kind, content: Content) -> None:
        """Wait for the block before, and hand this one over."""
        if self._under_way is not None:
            await self._under_way
        self._under_way = asyncio.ensure_future(asyncio.to_thread(self._file.write, kind, content))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind_of_error: type[BaseException] | None, *_rest: object) -> None:
        if self._under_way is not None:  # whatever happened, no thread may go on writing to the file
            (failed,) = await asyncio.gather(self._under_way, return_exceptions=True)
            if failed is not None and kind_of_error is None:
                raise failed


class _Export:
    """One pass over the partitions: writes their blocks, keeps count."""

    def __init__(
        self,
        settings: Settings,
        topics: Topics,
        extents: dict[str, list[Extent]],
        committed: Mapping[int, int],
        file: _Appender,
        progressed: Progressed,
    ) -> None:
        self.file = file
        self._settings, self._topics, self._extents = settings, topics, extents
        self._committed, self._progressed = committed, progressed
        self._contacts, self._currents = SetDigest(), SetDigest()
        self._erased: Counter[str] = Counter()
        self._done = 0
        self._total = sum(
            extent.stable - extent.first
            for topic in (topics.changelog, topics.tier_current)
            for extent in extents[topic]
        )

    def seal(self) -> Seal:
        """All that was written, counted."""
        return Seal(
            contacts=self._contacts.count - self._erased.total(),
            erased=dict(self._erased),
            digest=self._contacts.hexadecimal,
            currents=self._currents.count,
            currents_digest=self._currents.hexadecimal,
        )

    async def partition(self, reader: AIOKafkaConsumer, number: int, *, undrained: bool) -> PartitionPart:
        """Write one partition. Only its own states are in memory."""
        changelog = ChangelogPartition(self._topics.changelog, number)
        await self._read(reader, self._topics.changelog, number, changelog.apply)
        states = changelog.finished()
        part = self._part(number, changelog.meta)
        if part.unread and not undrained:
            raise ConfigurationError(
                f"{part.unread} records of {self._topics.touchpoints}, partition {number}, are not folded yet: start a "
                "worker and let it read to the end, or export a backup with --undrained"
            )
        await self.file.append(Kind.PARTITION, part)
        for contacts in _in_blocks(self._contacts_with_bytes(states), self._contacts):
            await self.file.append(Kind.CONTACTS, contacts)
        latest: dict[bytes, Any] = {}
        await self._read(reader, self._topics.tier_current, number, lambda records: last_values(latest, records))
        for currents in _in_blocks(_currents_with_bytes(latest), self._currents):
            await self.file.append(Kind.CURRENTS, currents)
        return part

    async def _read(
        self, reader: AIOKafkaConsumer, topic: str, number: int, apply: Callable[[Sequence[Any]], None]
    ) -> None:
        extent, patience_s = self._extents[topic][number], self._settings.startup_timeout
        position = extent.first
        async for records, reached in read_through(reader, topic, number, extent, patience_s):
            apply(records)
            self._done += reached - position
            position = reached
            self._progressed("exporting", self._done, self._total)

    def _part(self, number: int, meta: Meta) -> PartitionPart:
        topic, extent, summary = self._topics.touchpoints, self._extents[self._topics.touchpoints][number], meta.summary
        if strange := sorted(summary.keys() - SUMMARY):
            raise DataError(
                f"META of partition {number} has {strange}, which this Palier cannot move: use the newer one"
            )
        if not meta.batch_number and number in self._committed:
            raise DataError(
                f"changelog {self._topics.changelog}, partition {number} is empty, but the group has already read {topic} "
                f"up to offset {self._committed[number]}: state was lost, there is nothing to export"
            )
        position = meta.positions.get(topic, extent.first)
        if not extent.first <= position <= extent.end:
            raise DataError(
                f"{topic}, partition {number}: the state goes on at offset {position}, the topic has {extent.first} to "
                f"{extent.end}: it was shortened or made anew"
            )
        return PartitionPart(
            number=number,
            batch_number=meta.batch_number,
            position=position,
            unread=extent.end - position,
            newest_occurred_at=summary.get("newest_occurred_at", 0),
            newest_timestamp=summary.get("newest_timestamp", 0),
            pack=tuple(summary["pack"]) if "pack" in summary else None,
            stub_salt=summary.get("stub_salt"),
        )

    def _contacts_with_bytes(
        self, states: Iterator[tuple[bytes, int, bytes, StateHead]]
    ) -> Iterator[tuple[Contact, bytes]]:
        for key, due_s, state, head in states:
            if head.is_erased:
                placement = head.placement
                self._erased[UNKNOWN_PLACEMENT if placement is None else placed_by(placement)] += 1
            yield (key, due_s, state), contact_bytes(key, due_s, state)


def _currents_with_bytes(latest: dict[bytes, Any]) -> Iterator[tuple[Current, bytes]]:
    for key, record in latest.items():
        headers = [(name, value) for name, value in record.headers if name != BATCH_HEADER]
        current = (key, record.value, headers)
        yield current, current_bytes(current)


def _in_blocks(items: Iterator[tuple[Item, bytes]], digest: SetDigest) -> Iterator[list[Item]]:
    """Items in blocks of about BLOCK_BYTES; their bytes go into the digest."""
    add, size = digest.add, 0
    block: list[Item] = []
    for item, data in items:
        add(data)
        block.append(item)
        size += len(data)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
