"""Ten ways to break the engine, each of them one thing, done to a worker's own process before it starts.

They are what somebody might do to it by mistake, while it still works as long as nothing happens to it.
"""

from __future__ import annotations

import asyncio
import uuid
from copy import copy
from types import SimpleNamespace

from aiokafka import AIOKafkaProducer
from faust.types import TP

from palier.contracts.brokers import MAX_REQUEST_BYTES
from palier.contracts.contact_state import decode_state, encode_state
from palier.engine import writer
from palier.engine.clock import PartitionClock
from palier.engine.meta import Envelope
from palier.engine.protocol import PartitionProtocol
from palier.engine.runner import Runner
from palier.engine.transport import BatchConsumer
from palier.engine.writer import Writer
from palier_tiers.processor import TouchpointProcessor


# --- whose transactions count ---------------------------------------------------------------------------------------------
def no_fence():
    """Each producer has a transactional id of its own, so that none shuts out another."""
    begin = Writer.__init__

    def unfenced(self, partition, *, transactional_id, **rest):
        begin(self, partition, transactional_id=f"{transactional_id}-{uuid.uuid4().hex}", **rest)

    Writer.__init__ = unfenced


def sends_not_awaited():
    """A record handed over counts as written."""

    async def gather(*_acknowledgements):
        return []

    writer.asyncio = SimpleNamespace(**vars(asyncio) | {"gather": gather})


def outputs_outside():
    """Outputs go their own way, with an ordinary idempotent producer; only the changelog is in the transaction."""
    begin, fence, send = Writer.__init__, Writer.fence, Writer.send

    def begin_both(self, partition, *, client, **rest):
        begin(self, partition, client=client, **rest)
        self.outside = copy(self)
        self.outside._producer = AIOKafkaProducer(enable_idempotence=True, max_request_size=MAX_REQUEST_BYTES, **client)

    async def fence_inside(self):
        await self.outside._producer.start()
        await fence(self)

    async def send_outside(self, topic, records):
        is_changelog = topic == self.topics[-1].topic
        return await send(self if is_changelog else self.outside, topic, records)

    Writer.__init__, Writer.fence, Writer.send = begin_both, fence_inside, send_outside


def end_repeated():
    """An EndTxn that got no answer is sent again, as aiokafka does if nobody forbids it."""
    Writer._guard_end_of_transaction = lambda _writer: None


def store_first():
    """The copy on disk takes a transaction when it begins."""
    begin = Runner._begin

    async def begin_late(runner, *arguments):
        event = await begin(runner, *arguments)
        runner.partition.copy.store.write(runner._snapshot.changelog.items(), None)
        return event

    Runner._begin = begin_late


# --- where a partition goes on --------------------------------------------------------------------------------------------
def _goes_on(shift):
    measured = PartitionProtocol._position_in

    def shifted(protocol, topic, first, end, group):
        position = measured(protocol, topic, first, end, group)
        has_state = isinstance(position, int) and protocol.committed.batch_number
        return position + shift if has_state and first <= position + shift <= end else position

    PartitionProtocol._position_in = shifted


def next_too_high():
    """Goes on one touchpoint behind where META stands."""
    _goes_on(1)


def next_too_low():
    """Goes on one touchpoint before where META stands."""
    _goes_on(-1)


def group_offsets():
    """Goes on where the consumer group stands, META or not."""
    look, measured, group_at = BatchConsumer.earliest_offsets, PartitionProtocol._position_in, {}

    async def look_at_group_too(consumer, *tps):
        group_at.update(await consumer.group_offsets(set(tps)))
        return await look(consumer, *tps)

    def by_group(protocol, topic, first, end, group):
        position = group_at.get(TP(topic, protocol.partition))
        return measured(protocol, topic, first, end, group) if position is None else position

    BatchConsumer.earliest_offsets, PartitionProtocol._position_in = look_at_group_too, by_group


# --- what is known after a recovery -----------------------------------------------------------------------------------------
def _recovered_without(forget):
    begin = TouchpointProcessor.open

    def forgetful(processor, partition, summary):
        store, states = partition.copy.store, []
        for key, value in store.items():
            state = decode_state(value[Envelope.SIZE :])
            forget(state)
            states.append((key, value[: Envelope.SIZE] + encode_state(state)))
        store.write(states, None)
        begin(processor, partition, summary)

    TouchpointProcessor.open = forgetful


def ids_lost():
    """A recovered contact does not know which touchpoints it has had."""

    def forget(state):
        state.remembered = b""

    _recovered_without(forget)


def sequence_restarted():
    """A recovered contact counts its tier changes from 1."""

    def forget(state):
        state.sequence = 0

    _recovered_without(forget)


def wall_clock_always():
    """Timers go by the wall clock, whatever lies unread."""
    PartitionClock.now_ms = lambda _clock, _folded_to, _read_ms, now_s: int(now_s * 1000)


MUTATIONS = {
    "no-fence": no_fence,
    "sends-not-awaited": sends_not_awaited,
    "next-too-high": next_too_high,
    "next-too-low": next_too_low,
    "group-offset": group_offsets,
    "store-first": store_first,
    "outputs-outside": outputs_outside,
    "end-repeated": end_repeated,
    "ids-lost": ids_lost,
    "wall-clock-always": wall_clock_always,
    "sequence-restarted": sequence_restarted,
}
