"""Load a log into Kafka: every line either is in the topic, acknowledged by all replicas in sync, or is reported."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal, RefusalReason
from palier.errors import BrokerUnreachableError, DataError
from palier.kafka.clients import client_settings
from palier.kafka.partitioning import partition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from palier.settings import Settings

CHUNK = 1_000
"""Lines between two looks at what else there is to do."""

UNDER_WAY_AT_MOST = 20_000
"""Records sent and not acknowledged before reading on waits: enough to fill every batch, little enough for memory."""

REQUEST_BYTES = 2 * 1024 * 1024
"""Above the largest touchpoint plus its key: the size of a record is the broker's to refuse, not the client's."""

STOP_WITHIN_S = 5.0


class Publication:
    """One pass over a log. The producer is idempotent: a retry after a lost connection doubles nothing.

    Kafka's timestamp is the time of sending, not occurred_at: retention goes by it, and a backfill of last year must not
    be deleted on arrival.
    """

    def __init__(self, settings: Settings, *, latest_ms: int, refused: Callable[[int, Refusal], None]) -> None:
        """Nothing is sent yet.

        Args:
            settings: brokers, topic, and how upstream places keys.
            latest_ms: a touchpoint that claims to be later than this (plus 5 min for clocks that differ) is refused.
            refused: called with the number of each line that is not sent, from 1, and why.
        """
        self.lines = 0
        self.acknowledged = 0
        self.refusals: Counter[str] = Counter()
        """Lines that are not in the topic, by reason."""
        self._settings = settings
        self._topic = f"{settings.topic_prefix}{settings.touchpoints_topic}"
        self._latest_ms = latest_ms
        self._refused = refused
        self._under_way: deque[tuple[int, asyncio.Future[Any]]] = deque()

    @property
    def first_open_line(self) -> int:
        """Every line before this one is in the topic or reported."""
        return self._under_way[0][0] if self._under_way else self.lines + 1

    async def run(self, lines: Iterable[bytes], *, from_line: int, progressed: Callable[[], None]) -> None:
        """Send every touchpoint of a log in order, and return when the broker has acknowledged them all.

        Args:
            lines: one touchpoint each, as JSON.
            from_line: lines before this one are passed over.
            progressed: called now and then.

        Raises:
            BrokerUnreachableError: nothing was acknowledged for `settings.startup_timeout`.
            DataError: the log is damaged; what stands before the damage is in the topic.
        """
        producer = AIOKafkaProducer(
            **client_settings(self._settings),
            **_placement(self._settings),
            enable_idempotence=True,
            linger_ms=20,
            compression_type="lz4",
            max_batch_size=256 * 1024,
            max_request_size=REQUEST_BYTES,
        )
        await producer.start()
        try:
            try:
                await self._send_all(producer, lines, from_line, progressed)
            except (DataError, asyncio.CancelledError):
                await self._wait_until(under_way=0)  # whatever ended the log early: what was sent is in, and counted
                raise
            await self._wait_until(under_way=0)
            progressed()
        finally:
            with suppress(TimeoutError):  # a broker that is gone is not waited for a second time
                await asyncio.wait_for(producer.stop(), STOP_WITHIN_S)

    async def _send_all(
        self, producer: AIOKafkaProducer, lines: Iterable[bytes], from_line: int, progressed: Callable[[], None]
    ) -> None:
        for number, line in enumerate(lines, start=1):
            if number >= from_line:
                await self._send(producer, number, line)
            self.lines = number
            if number % CHUNK == 0:
                await asyncio.sleep(0)  # reading a file awaits nothing: let the producer send what it has
                progressed()
            if len(self._under_way) > UNDER_WAY_AT_MOST:
                await self._wait_until(under_way=UNDER_WAY_AT_MOST // 2)

    async def _send(self, producer: AIOKafkaProducer, number: int, line: bytes) -> None:
        touchpoint = decode_line(line, self._latest_ms)
        if isinstance(touchpoint, Refusal):
            self._refuse(number, touchpoint)
            return
        try:
            async with asyncio.timeout(self._settings.startup_timeout):  # the producer's buffers may be full
                future = await producer.send(self._topic, line, touchpoint.contact_id.encode())
        except MessageSizeTooLargeError:
            self._refuse(number, Refusal(RefusalReason.TOO_LARGE, "larger than a record may be"))
        except (KafkaError, TimeoutError):
            raise self._unreachable() from None
        else:
            self._under_way.append((number, future))

    async def _wait_until(self, *, under_way: int) -> None:
        """Wait for acknowledgements, in order, until at most so many records are under way."""
        while len(self._under_way) > under_way:
            number, future = self._under_way[0]
            if not future.done():
                # An idempotent producer retries for ever; somebody has to lose patience.
                await asyncio.wait([future], timeout=self._settings.startup_timeout)
            match future.exception() if future.done() else TimeoutError():
                case None:
                    self.acknowledged += 1
                case MessageSizeTooLargeError():
                    self._refuse(number, Refusal(RefusalReason.TOO_LARGE, "the broker takes no record of this size"))
                case _:
                    raise self._unreachable()
            self._under_way.popleft()

    def _refuse(self, number: int, refusal: Refusal) -> None:
        self.refusals[refusal.reason.value] += 1
        self._refused(number, refusal)

    def _unreachable(self) -> BrokerUnreachableError:
        patience, brokers = self._settings.startup_timeout, self._settings.brokers
        return BrokerUnreachableError(f"no answer from {brokers} for {patience:g} s; {self.how_to_go_on()}")

    def how_to_go_on(self) -> str:
        """What is in, and how to send the rest after a failure."""
        return (
            f"{self.acknowledged} touchpoints are in; go on with --from-line {self.first_open_line} "
            "(what is in already from there on counts once: its repeats are duplicates)"
        )


def _placement(settings: Settings) -> dict[str, Any]:
    """Keys go where upstream's own producers put them; aiokafka's default is murmur2."""
    return {"partitioner": _crc32_partition} if settings.partitioner == "crc32" else {}


def _crc32_partition(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    return partition_of(key, len(partitions), "crc32")
