"""What is in a state file: a header, then partition by partition its place and its records, at the end a seal.

Nothing in it depends on the partition it came from except what `PartitionPart` says, so it can go into any number of
partitions.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from palier.contracts.contact_state import STATE_VERSION

Contact: TypeAlias = tuple[bytes, int, bytes]
"""(changelog key, second in which it falls due or 0, encoded state) of a contact, or of the stub of an erased one."""

Current: TypeAlias = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""(key, value, headers) of a contact's record in tier-current."""


class Kind(IntEnum):
    """What a block of the file holds; the numbers are written."""

    HEADER = 1
    PARTITION = 2
    CONTACTS = 3
    CURRENTS = 4
    SEAL = 5


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Where the state comes from.

    `cluster`: Kafka's own id of the cluster. `touchpoints`, `tier_current`: names of topics. `partitioner`: how upstream
    placed keys. `written_at`: RFC 3339.
    """

    written_at: str
    application: str
    cluster: str
    touchpoints: str
    tier_current: str
    partitions: int
    partitioner: str
    state_version: int = STATE_VERSION


class PartitionPart(msgspec.Struct, frozen=True, kw_only=True):
    """Where one partition stood; its contacts and current tiers follow.

    `batch_number`: of its last checkpoint, 0 if it never made one. `position`: next offset of touchpoints to fold;
    `unread`: how many offsets lay beyond it. The rest as META's summary has it.
    """

    number: int
    batch_number: int
    position: int
    unread: int
    newest_occurred_at: int = 0
    newest_timestamp: int = 0
    pack: tuple[str, int, str] | None = None
    stub_salt: str | None = None


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """All of it counted and summed up (`SetDigest`); without it a file is not whole.

    `erased`: stubs, by the kind of producer that their placement follows, `unknown` for those without. `digest`: of
    contacts and stubs. `currents_digest`: of the records for tier-current.
    """

    contacts: int
    erased: dict[str, int]
    digest: str
    currents: int
    currents_digest: str


UNKNOWN_PLACEMENT: Final = "unknown"

_lengths = struct.Struct(">HI").pack
_encode = msgspec.msgpack.Encoder().encode


def contact_bytes(key: bytes, due_s: int, state: bytes) -> bytes:
    """What the digest of a contact is made of."""
    return b"".join((_lengths(len(key), due_s), key, state))


def current_bytes(current: Current) -> bytes:
    """What the digest of a record of tier-current is made of."""
    return _encode(current)
