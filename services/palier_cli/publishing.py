"""Load a log into Kafka: every line either is in the topic, acknowledged by all replicas in sync, or is reported."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal, RefusalReason
from palier.errors import BrokerUnreachableError
from palier.kafka.clients import client_settings
from palier.kafka.partitioning import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from palier.settings import Settings

UNACKNOWLEDGED_AT_MOST = 20_000
"""Records under way before reading on waits: enough to fill every batch, little enough to fit in memory."""

REQUEST_BYTES = 2 * 1024 * 1024
"""Above the largest touchpoint plus its key: the size of a record is the broker's to refuse, not the client's."""


@dataclass(slots=True)
class Publication:
    """What has become of the lines of a log."""

    lines: int = 0
    acknowledged: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    """Lines that are no touchpoint, by reason."""


async def publish(
    lines: Iterable[bytes],
    settings: Settings,
    *,
    latest_ms: int,
    refused: Callable[[int, Refusal], None],
    progressed: Callable[[Publication], None],
    from_line: int = 1,
) -> Publication:
    """Send every touchpoint of a log, in order and keyed by contact; return when the broker has acknowledged them all.

    The producer is idempotent: a retry after a lost connection doubles nothing. Kafka's timestamp is the time of
    sending, not occurred_at: retention goes by it, and a backfill of last year must not be deleted on arrival.

    Args:
        lines: one touchpoint each, as JSON.
        settings: brokers, topic, and how upstream places keys.
        latest_ms: a touchpoint that claims to be later than this (plus 5 min for clocks that differ) is refused.
        refused: called with the number of each line that is not sent, from 1, and why.
        progressed: called now and then with what has been reached so far.
        from_line: lines before this one are passed over.

    Raises:
        BrokerUnreachableError: nothing was acknowledged for `settings.startup_timeout`; says which line to go on with.
    """
    placement = {} if settings.partitioner != "crc32" else {"partitioner": _crc32_partition}
    producer = AIOKafkaProducer(
        **client_settings(settings),
        **placement,
        enable_idempotence=True,
        linger_ms=20,
        compression_type="lz4",
        max_batch_size=256 * 1024,
        max_request_size=REQUEST_BYTES,
    )
    run = _Run(producer, settings, refused)
    await producer.start()
    try:
        for number, line in enumerate(lines, start=1):
            run.result.lines = number
            if number >= from_line:
                await run.send(number, line, latest_ms)
            if number % 1_000 == 0:
                progressed(run.result)
        await run.acknowledge(at_most=0)
        progressed(run.result)
    finally:
        await _stop(producer)
    return run.result


class _Run:
    """One pass over a log: what is under way, in order of lines."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings, refused: Callable[[int, Refusal], None]) -> None:
        self.result = Publication()
        self._producer = producer
        self._topic = f"{settings.topic_prefix}{settings.touchpoints_topic}"
        self._patience_s = settings.startup_timeout
        self._brokers = settings.brokers
        self._refused = refused
        self._under_way: deque[tuple[int, asyncio.Future[object]]] = deque()

    async def send(self, number: int, line: bytes, latest_ms: int) -> None:
        """Send one line, or report why it is no touchpoint."""
        touchpoint = decode_line(line, latest_ms)
        if isinstance(touchpoint, Refusal):
            self._refuse(number, touchpoint)
            return
        key = touchpoint.contact_id.encode()
        try:
            future = await self._producer.send(self._topic, line, key)
        except MessageSizeTooLargeError:
            self._refuse(number, Refusal(RefusalReason.TOO_LARGE, "larger than a record may be"))
            return
        except KafkaError:  # no room in the producer's buffers for as long as a request may take
            raise self._unreachable(number) from None
        self._under_way.append((number, future))
        if len(self._under_way) >= UNACKNOWLEDGED_AT_MOST:
            await self.acknowledge(at_most=UNACKNOWLEDGED_AT_MOST // 2)

    async def acknowledge(self, *, at_most: int) -> None:
        """Wait until at most so many records are still under way."""
        while len(self._under_way) > at_most:
            number, future = self._under_way[0]
            try:
                # An idempotent producer retries for ever; somebody has to lose patience.
                await asyncio.wait_for(asyncio.shield(future), self._patience_s)
            except MessageSizeTooLargeError:
                self._refuse(number, Refusal(RefusalReason.TOO_LARGE, "the broker takes no record of this size"))
            except (KafkaError, TimeoutError):
                raise self._unreachable(number) from None
            else:
                self.result.acknowledged += 1
            self._under_way.popleft()

    def _refuse(self, number: int, refusal: Refusal) -> None:
        self.result.refusals[refusal.reason.value] += 1
        self._refused(number, refusal)

    def _unreachable(self, number: int) -> BrokerUnreachableError:
        first = min([number, *(waiting for waiting, _ in self._under_way)])
        return BrokerUnreachableError(
            f"no answer from {self._brokers} for {self._patience_s:g} s after {self.result.acknowledged} touchpoints; "
            f"go on with --from-line {first} (what is in already counts once: its repeats are duplicates)"
        )


def _crc32_partition(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    return partition_of(key, len(partitions), "crc32")


async def _stop(producer: AIOKafkaProducer) -> None:
    """Close the producer, but do not wait for ever for a broker that is gone."""
    with suppress(TimeoutError):
        await asyncio.wait_for(producer.stop(), 5)
