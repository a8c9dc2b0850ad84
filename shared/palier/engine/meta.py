"""What the changelog holds besides contacts: META, the last record of every transaction, and the envelope of a state."""

from __future__ import annotations

import struct
from typing import Any

import msgspec

from palier.errors import DataError

META_KEY = b"\0meta"  # no contact id can begin with a control character
META_VERSION = 1


class Meta(msgspec.Struct, array_like=True, frozen=True):
    """Where a partition stands, committed together with the state it describes.

    `positions`: source topic -> next offset to read. `records`: target -> records of this transaction, so that a torn
    one can be told. `summary`: the processor's own (counts, clock, rule pack). `deletions`: how many of the changelog's
    records are deletions, which compaction removes one day. `ends`: target -> offset after this transaction's records
    there, so that a successor can look what became of them. `attempt`: how often the transaction was written again.
    """

    version: int = META_VERSION
    batch_number: int = 0
    positions: dict[str, int] = {}
    records: dict[str, int] = {}
    summary: dict[str, Any] = {}
    deletions: int = 0
    ends: dict[str, int] = {}
    attempt: int = 0

    @property
    def place(self) -> tuple[int, int]:
        """In the order of METAs."""
        return self.batch_number, self.attempt


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Meta).decode
_decode_version = msgspec.msgpack.Decoder(list[Any]).decode


def encode_meta(meta: Meta) -> bytes:
    """META as it stands in the changelog."""
    return _encode(meta)


def decode_meta(data: bytes) -> Meta:
    """The META that `encode_meta` wrote.

    Raises:
        DataError: it is no META, or a newer version wrote it.
    """
    try:
        version = _decode_version(data)[0]
        if version != META_VERSION:
            raise DataError(f"META of version {version!r}; this version reads {META_VERSION}: run the newer release")
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, IndexError) as error:
        raise DataError(f"META cannot be read: {error}") from None


class Envelope:
    """Stands before each encoded state: what the engine must know of it without decoding it.

    Version, number of the batch that wrote it, last source offset folded into it (-1: a timer's work before any record was
    read, on state that was imported), second in which it falls due (0: never).
    """

    VERSION = 1
    _layout = struct.Struct("<BIqI")
    SIZE = _layout.size
    pack = _layout.pack
    LATEST_S = (1 << 32) - 1

    # (version, second in which it falls due) alone, for a million of them. struct.error: it is too short.
    version_and_due = struct.Struct("<B12xI").unpack_from

    @staticmethod
    def due_in(data: bytes) -> int:
        """The last field alone."""
        return int.from_bytes(data[13:17], "little")

    @classmethod
    def unpack(cls, data: bytes) -> tuple[int, int, int]:
        """(batch number, last source offset, second in which it falls due) of a state without trouble."""
        _, batch_number, offset, due_s = cls._layout.unpack_from(data)
        return batch_number, offset, due_s

    @classmethod
    def trouble(cls, data: bytes) -> str:
        """Why a state that is too short or of another version cannot be read."""
        if len(data) < cls.SIZE:
            return f"a state of {len(data)} bytes is shorter than its envelope"
        return f"state of version {data[0]}; this version reads {cls.VERSION}: run the newer release"
