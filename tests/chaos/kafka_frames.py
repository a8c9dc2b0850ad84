"""Frames of Kafka's protocol, as far as a proxy has to read them: headers, and who a transactional request speaks for."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

API_NAMES = {
    0: "Produce",
    1: "Fetch",
    2: "ListOffsets",
    3: "Metadata",
    8: "OffsetCommit",
    9: "OffsetFetch",
    10: "FindCoordinator",
    11: "JoinGroup",
    12: "Heartbeat",
    13: "LeaveGroup",
    14: "SyncGroup",
    18: "ApiVersions",
    22: "InitProducerId",
    24: "AddPartitionsToTxn",
    25: "AddOffsetsToTxn",
    26: "EndTxn",
    27: "WriteTxnMarkers",
    28: "TxnOffsetCommit",
}

SIZE = struct.Struct(">i")
REQUEST_HEADER = struct.Struct(">hhi")  # API key, API version, correlation id; then the client id
CORRELATION_ID = struct.Struct(">i")
SHORT = struct.Struct(">h")
ERROR_AFTER_THROTTLE = struct.Struct(">ih")
PRODUCER = struct.Struct(">qh")


class Producer(NamedTuple):
    """Who a transactional request speaks for. Only the newest epoch of an id may write."""

    transactional_id: str
    producer_id: int
    epoch: int


@dataclass(slots=True)
class Exchange:
    """A request and, as soon as there is one, its response; both whole, but without their sizes.

    Bodies can be read up to the versions that aiokafka speaks, which are those before Kafka's compact encoding.
    """

    request: bytes
    response: bytes | None = None
    api_key: int = field(init=False)
    version: int = field(init=False)
    correlation_id: int = field(init=False)

    def __post_init__(self):
        self.api_key, self.version, self.correlation_id = REQUEST_HEADER.unpack_from(self.request)

    @property
    def api(self):
        """Its name, `API n` for one that is not in the table."""
        return API_NAMES.get(self.api_key, f"API {self.api_key}")

    @property
    def body(self):
        """The request after its header."""
        _, end = _string(self.request, REQUEST_HEADER.size)
        return self.request[end:]

    @property
    def transactional_id(self):
        """Of InitProducerId, Produce, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit; None if it has none."""
        return _string(self.body, 0)[0]

    @property
    def producer(self):
        """Of AddPartitionsToTxn, AddOffsetsToTxn and EndTxn."""
        transactional_id, end = _string(self.body, 0)
        return Producer(transactional_id, *PRODUCER.unpack_from(self.body, end))

    @property
    def commits(self):
        """Of EndTxn: True for commit, False for abort."""
        _, end = _string(self.body, 0)
        return self.body[end + PRODUCER.size] != 0

    @property
    def error_code(self):
        """Of the response to InitProducerId, AddOffsetsToTxn and EndTxn; 0 is none."""
        _, code = ERROR_AFTER_THROTTLE.unpack_from(self.response, CORRELATION_ID.size)
        return code


def is_commit(exchange):
    """Whether an EndTxn asks for commit."""
    return exchange.commits


def of_transaction(exchange):
    """Whether a request belongs to a transactional producer."""
    return exchange.transactional_id is not None


async def read_frame(reader):
    """The next frame without its size; raises asyncio.IncompleteReadError at the end of the stream."""
    (size,) = SIZE.unpack(await reader.readexactly(SIZE.size))
    return await reader.readexactly(size)


def framed(payload):
    """A frame as it goes over the wire."""
    return SIZE.pack(len(payload)) + payload


def _string(data, at):
    """(Kafka's nullable string that begins at `at`, where it ends)."""
    (length,) = SHORT.unpack_from(data, at)
    start = at + SHORT.size
    return (None, start) if length < 0 else (data[start : start + length].decode(), start + length)
