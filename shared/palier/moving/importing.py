"""The way in: a file becomes the state of an application that has none yet.

In this order, so that a half import is never taken for state, wherever it is broken off:

1. In every partition of the changelog a META that says "no checkpoint yet". From here on a worker refuses to start: it
   finds records, but no META that they belong to.
2. All states, and the current tiers.
3. All of it is read back and compared with the file.
4. META of every partition, in one transaction over all of them, by a producer that shuts out the one before.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from palier.contracts.contact_state import decode_head
from palier.contracts.records import BATCH_HEADER
from palier.domain.words import spell
from palier.engine.meta import META_KEY, Envelope, Meta, encode_meta
from palier.errors import ConfigurationError, DataError
from palier.kafka.cluster import connect
from palier.kafka.extents import consumer, extents, read_through
from palier.moving.contents import Contact, Current, Kind, PartitionPart, Seal, contact_bytes, current_bytes
from palier.moving.loading import loader
from palier.moving.route import new_metas, route_of, starting_positions
from palier.moving.set_digest import SetDigest
from palier.moving.standstill import Topics, require_stopped, require_topics, settled_extents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from palier.kafka.cluster import Cluster
    from palier.moving.loading import Loader
    from palier.moving.route import Route
    from palier.moving.state_file import StateFile
    from palier.settings import Settings

Progressed: TypeAlias = "Callable[[str, int, int], None]"

UNFINISHED = encode_meta(Meta())


class Imported(NamedTuple):
    """What an import came to. `grown`: touchpoints that came to the former application's topic after the export."""

    seal: Seal
    in_place: bool
    positions: list[int]
    grown: int


async def import_state(settings: Settings, file: StateFile, progressed: Progressed) -> Imported:
    """Make the state of a file that of an application, whose changelog is empty and whose workers are stopped.

    Raises:
        ConfigurationError: there is state already, workers are at work, topics are wrong, or the file does not fit.
        DataError: what was written is not what is in the file.
        BrokerUnreachableError: no broker answers.
    """
    topics = Topics.of(settings)
    async with connect(settings) as cluster:
        await require_topics(cluster, settings)
        route = route_of(file, settings, topics, await cluster.id())
        grown = await _grown(cluster, settings, file, route)
        await require_stopped(cluster, settings.application)
        if route.in_place or not route.with_currents:  # both would write to the same topics
            await require_stopped(cluster, file.header.application)
    source = await settled_extents(settings, topics.touchpoints)
    positions = starting_positions(file, route, topics.touchpoints, source)
    await _require_empty(settings, topics, route)

    transactional_id = f"{settings.application}-import"
    async with loader(settings, transactional_id) as load:
        for number in range(settings.partitions):
            await load.add(topics.changelog, number, META_KEY, UNFINISHED, [])
        await load.commit()
        async with connect(settings) as cluster:  # one that came meanwhile may have missed the mark
            await require_stopped(cluster, settings.application)
        written = await _write(load, file, route, topics, progressed)
    await _compare(settings, topics, file.seal, with_currents=route.with_currents, progressed=progressed)
    metas = new_metas(file, route, topics.touchpoints, positions, written.contacts, written.states)
    async with loader(settings, transactional_id) as load:
        for number, meta in enumerate(metas):
            await load.add(topics.changelog, number, META_KEY, encode_meta(meta), [])
        await load.commit()
    await settled_extents(settings, topics.changelog)
    return Imported(file.seal, route.in_place, positions, grown)


async def _require_empty(settings: Settings, topics: Topics, route: Route) -> None:
    for topic in (topics.changelog, topics.tier_current) if route.with_currents else (topics.changelog,):
        if filled := [
            number for number, one in enumerate(await settled_extents(settings, topic)) if one.end > one.first
        ]:
            raise ConfigurationError(
                f"{topic} has records already, in partitions {filled}: state, or what an import left that was broken off; "
                "import under another PALIER_APP_ID, or delete the topic and `palier topics --apply`"
            )


class _Written(NamedTuple):
    contacts: defaultdict[int, Counter[str]]
    states: Counter[int]


async def _write(load: Loader, file: StateFile, route: Route, topics: Topics, progressed: Progressed) -> _Written:
    """Steps 1 and 2: every state and current tier to its partition."""
    written, former = _Written(defaultdict(Counter), Counter()), 0
    header = (BATCH_HEADER, b"%d" % route.batch_number)
    blocks = file.blocks()
    coming = asyncio.create_task(asyncio.to_thread(next, blocks, None))
    while (block := await coming) is not None:
        coming = asyncio.create_task(asyncio.to_thread(next, blocks, None))  # unpacked while this one is written
        if isinstance(block.content, PartitionPart):
            former = block.content.number
        elif block.kind is Kind.CONTACTS:
            await _write_contacts(load, cast("Sequence[Contact]", block.content), former, route, topics, written)
        elif block.kind is Kind.CURRENTS and route.with_currents:
            for key, value, headers in cast("Sequence[Current]", block.content):
                number = route.place_contact(key, former)
                await load.add(topics.tier_current, number, key, value, [*headers, header])
        progressed("importing", block.end, file.size)
    await load.commit()
    return written


async def _write_contacts(
    load: Loader, contacts: Sequence[Contact], former: int, route: Route, topics: Topics, written: _Written
) -> None:
    version, batch_number, pack = Envelope.VERSION, route.batch_number, Envelope.pack
    for key, due_s, encoded in contacts:
        head = decode_head(encoded)
        if head.is_erased:
            number = route.place_stub(head, former)
        else:
            number = route.place_contact(key, former)
            written.contacts[number][spell(head.headline)] += 1
        written.states[number] += 1
        await load.add(topics.changelog, number, key, pack(version, batch_number, 0, due_s) + encoded, [])


async def _compare(
    settings: Settings, topics: Topics, seal: Seal, *, with_currents: bool, progressed: Progressed
) -> None:
    """Step 3: what lies in Kafka now is what the seal says."""
    states, currents = SetDigest(), SetDigest()

    def add_states(records: Sequence[Any]) -> None:
        size, due_in = Envelope.SIZE, Envelope.due_in
        for record in records:
            if record.key != META_KEY:
                states.add(contact_bytes(record.key, due_in(record.value), record.value[size:]))

    def add_currents(records: Sequence[Any]) -> None:
        for record in records:
            headers = [(name, value) for name, value in record.headers if name != BATCH_HEADER]
            currents.add(current_bytes((record.key, record.value, headers)))

    ways = [(topics.changelog, add_states), (topics.tier_current, add_currents)][: 1 + with_currents]
    lying = {topic: await settled_extents(settings, topic) for topic, _ in ways}
    done, total = 0, sum(extent.stable - extent.first for topic in lying for extent in lying[topic])
    async with consumer(settings) as reader:
        for topic, add in ways:
            for number, extent in enumerate(lying[topic]):
                async for records, position in read_through(reader, topic, number, extent, settings.startup_timeout):
                    add(records)
                    progressed("checking", done + position - extent.first, total)
                done += extent.stable - extent.first
    _require_equal(topics.changelog, states, seal.contacts + sum(seal.erased.values()), seal.digest)
    if with_currents:
        _require_equal(topics.tier_current, currents, seal.currents, seal.currents_digest)


def _require_equal(topic: str, found: SetDigest, count: int, digest: str) -> None:
    if (found.count, found.hexadecimal) != (count, digest):
        raise DataError(
            f"{topic} now holds {found.count} records with digest {found.hexadecimal}, the file {count} with {digest}: "
            "nothing of it becomes state; delete the topic, `palier topics --apply`, and import again"
        )


async def _grown(cluster: Cluster, settings: Settings, file: StateFile, route: Route) -> int:
    """Records that came to the former application's touchpoints after the export: they are not in this state."""
    header = file.header
    if route.in_place or await cluster.id() != header.cluster:
        return 0
    former = (await cluster.describe([header.touchpoints])).topics.get(header.touchpoints)
    if former is None or former.partitions != header.partitions:
        return 0
    found = await extents(settings, header.touchpoints, header.partitions)
    return sum(max(0, extent.end - part.position) for part, extent in zip(file.parts, found, strict=True))
