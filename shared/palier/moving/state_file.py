"""How a state file lies on disk. Every byte is covered by a check, so no cut and no flipped bit goes unnoticed.

    8 bytes   89 "PALIER" and the version of this format, 1
    blocks    1 byte   kind (contents.Kind)
              4 bytes  length of the payload, big-endian
             16 bytes  check: BLAKE2b-128 of the check before it (of the first: the 8 bytes), kind, length and payload
              payload  zlib of MessagePack: a map (HEADER, PARTITION, SEAL) or an array of records (CONTACTS, CURRENTS)

The first block is the header, the last the seal, and nothing follows. As each check contains the one before, no block can
be lost, doubled or moved either. Python's standard library and any MessagePack reader are enough to read it.
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeAlias

import msgspec

from palier.errors import ConfigurationError, DataError
from palier.moving.contents import Contact, Current, Header, Kind, PartitionPart, Seal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAGIC: Final = b"\x89PALIER1"
CHECK_BYTES: Final = 16
MAX_PAYLOAD: Final = 64 << 20  # a damaged length must not ask for more memory than this
LEVEL: Final = 1  # states are digests and numbers: a higher level takes much longer and gains little
KINDS: Final = frozenset(map(int, Kind))

Content: TypeAlias = "Header | PartitionPart | Seal | Sequence[Contact] | Sequence[Current]"

_frame = struct.Struct(">BI")
_encode = msgspec.msgpack.Encoder().encode
_decoders: Final[dict[Kind, msgspec.msgpack.Decoder[Any]]] = {
    Kind.HEADER: msgspec.msgpack.Decoder(Header),
    Kind.PARTITION: msgspec.msgpack.Decoder(PartitionPart),
    Kind.CONTACTS: msgspec.msgpack.Decoder(list[Contact]),
    Kind.CURRENTS: msgspec.msgpack.Decoder(list[Current]),
    Kind.SEAL: msgspec.msgpack.Decoder(Seal),
}


class Block(NamedTuple):
    """One block as read: its kind, what is in it, and where the next one begins, in bytes of the file."""

    kind: Kind
    content: Content
    end: int


class StateFileWriter:
    """A file being written. Made by `new_state_file`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._check = MAGIC
        self.bytes = file.write(MAGIC)

    def write(self, kind: Kind, content: Content) -> None:
        """Append a block. Compressing takes the time and lets other threads run."""
        payload = zlib.compress(_encode(content), LEVEL)
        frame = _frame.pack(kind, len(payload))
        self._check = _check(self._check, frame, payload)
        self.bytes += self._file.write(b"".join((frame, self._check, payload)))


@contextmanager
def new_state_file(path: Path) -> Iterator[StateFileWriter]:
    """Write a file that gets its name only when it is whole and on disk; readable by its owner alone.

    Raises:
        ConfigurationError: there is such a file already.
        OSError: it cannot be written.
    """
    if path.exists():
        raise ConfigurationError(f"{path} is there already, and is not written over: name another file")
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield StateFileWriter(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


class StateFile:
    """A file that has been read through once and found whole."""

    def __init__(self, path: Path, header: Header, parts: tuple[PartitionPart, ...], seal: Seal, size: int) -> None:
        self.path, self.header, self.parts, self.seal, self.size = path, header, parts, seal, size

    @property
    def unread(self) -> dict[int, int]:
        """Partitions with touchpoints that were not folded yet, and how many offsets each."""
        return {part.number: part.unread for part in self.parts if part.unread}

    def blocks(self) -> Iterator[Block]:
        """Every block in order, checked once more.

        Raises:
            DataError: the file is not what it was when it was opened.
        """
        with self.path.open("rb") as file:
            for kind, payload, start, end in _frames(file, self.path):
                yield Block(kind, _decoded(kind, payload, self.path, start), end)


def open_state_file(path: Path) -> StateFile:
    """Read a file through, check every byte, and keep what it says of itself.

    Raises:
        ConfigurationError: there is no such file, or it cannot be read.
        DataError: it is no state file, one of a newer version, or damaged: says where.
    """
    header, seal, parts, end = None, None, [], 0
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    with file:
        for kind, payload, start, end in _frames(file, path):  # noqa: B007 - the end of the last one is the size
            content = None if kind in (Kind.CONTACTS, Kind.CURRENTS) else _decoded(kind, payload, path, start)
            if isinstance(content, Header):
                header = content
            elif isinstance(content, PartitionPart):
                parts.append(content)
            elif isinstance(content, Seal):
                seal = content
    if header is None or seal is None or [part.number for part in parts] != list(range(header.partitions)):
        raise DataError(f"{path}: whole, but not built as a state file is: it was not written by `palier state export`")
    return StateFile(path, header, tuple(parts), seal, end)


def _frames(file: BinaryIO, path: Path) -> Iterator[tuple[Kind, bytes, int, int]]:
    """(kind, payload, start, end) of every block, each checked before it is handed out."""
    check = file.read(len(MAGIC))
    if check != MAGIC:
        if check[:-1] == MAGIC[:-1]:
            raise DataError(f"{path}: a state file of version {check[-1:]!r}; this Palier reads {MAGIC[-1:]!r}")
        raise DataError(f"{path}: no state file: its first bytes are not those that `palier state export` writes")
    kind, start, number = None, len(MAGIC), 0
    while kind is not Kind.SEAL:
        number += 1
        head = file.read(_frame.size + CHECK_BYTES)
        if len(head) < _frame.size + CHECK_BYTES:
            raise DataError(f"{path}: cut off at byte {start + len(head)}, in the head of block {number}")
        frame, expected = head[: _frame.size], head[_frame.size :]
        number_of_kind, length = _frame.unpack(frame)
        if length > MAX_PAYLOAD or number_of_kind not in KINDS:
            raise DataError(f"{path}: damaged at byte {start}, in the head of block {number}")
        payload = file.read(length)
        if len(payload) < length:
            raise DataError(
                f"{path}: cut off at byte {start + len(head) + len(payload)}, or damaged at byte {start}, in block {number}"
            )
        check = _check(check, frame, payload)
        if check != expected:
            raise DataError(f"{path}: damaged between byte {start} and {start + len(head) + length}, in block {number}")
        kind, end = Kind(number_of_kind), start + len(head) + length
        if (kind is Kind.HEADER) != (number == 1):
            raise DataError(f"{path}: block {number}, at byte {start}, is a {kind.name.lower()} in the wrong place")
        yield kind, payload, start, end
        start = end
    if file.read(1):
        raise DataError(f"{path}: something follows its end at byte {start}")


def _decoded(kind: Kind, payload: bytes, path: Path, start: int) -> Any:
    try:
        return _decoders[kind].decode(zlib.decompress(payload))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise DataError(f"{path}: the block at byte {start} cannot be read: {error}") from None


def _check(before: bytes, frame: bytes, payload: bytes) -> bytes:
    digest = blake2b(before, digest_size=CHECK_BYTES)
    digest.update(frame)
    digest.update(payload)
    return digest.digest()
