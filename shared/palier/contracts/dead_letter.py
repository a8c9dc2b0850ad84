"""Dead letters: a refused record as it came, with the reason beside it.

The value is the original value, untouched, and so are key and headers; what Palier adds stands in headers of its own.
So a dead letter is mended by copying it, and an operator sees with any Kafka tool what upstream really sent. Everything
has a bound, so that no record is too large to be refused.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pydantic import ConfigDict, Field

from palier.contracts.limits import KIB, MAX_VALUE_BYTES
from palier.contracts.members import ContractModel
from palier.contracts.records import BATCH_HEADER, BATCH_MEANING, Header, OutRecord
from palier.contracts.refusal import Refusal, RefusalReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CUT_VALUE_BYTES: Final = 64 * KIB
"""What is kept of a value longer than 1 MiB."""

MAX_KEY_BYTES: Final = 64 * KIB
"""Longest key kept; of a longer one this much."""

MAX_HEADER_BYTES: Final = 256 * KIB
"""Most bytes of original headers kept, names included; the rest is left out from the first that does not fit."""

MAX_MESSAGE_CHARACTERS: Final = 500
_HEADER_OVERHEAD: Final = 10
"""Bytes that Kafka adds to a header at most: two lengths as varints."""

REASON: Final = "palier_reason"
MESSAGE: Final = "palier_message"
TOPIC: Final = "palier_topic"
PARTITION: Final = "palier_partition"
OFFSET: Final = "palier_offset"
TIMESTAMP: Final = "palier_timestamp"
LENGTH: Final = "palier_length"
SHA256: Final = "palier_sha256"
KEY_LENGTH: Final = "palier_key_length"
HEADERS_LEFT_OUT: Final = "palier_headers_left_out"

REQUIRED_HEADERS: Final = (REASON, MESSAGE, TOPIC, PARTITION, OFFSET, TIMESTAMP)
"""What every dead letter has."""

HEADER_MEANINGS: Final[dict[str, str]] = {
    REASON: "stable code of the reason",
    MESSAGE: "what is wrong, for people",
    TOPIC: "topic the record was read from",
    PARTITION: "its partition",
    OFFSET: "its offset",
    TIMESTAMP: "its Kafka timestamp, milliseconds since the epoch",
    LENGTH: "bytes of the original value; absent when there was none",
    SHA256: "SHA-256 of the original value, hexadecimal; only when the value was cut to its first 64 KiB",
    KEY_LENGTH: "bytes of the original key; only when the key was cut to its first 64 KiB",
    HEADERS_LEFT_OUT: "how many original headers did not fit; only when there are such",
    BATCH_HEADER: BATCH_MEANING,
}
"""The headers Palier adds, in order. Those of an earlier dead letter, copied back and refused again, are replaced."""


class OriginalHeader(ContractModel):
    """A header of the refused record."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str = Field(description="Name of the header")
    value: bytes | None = Field(description="Its value, base64 (URL-safe alphabet) in JSON; null: it had none")


class DeadLetter(ContractModel):
    """A refused record, decoded: what it was, where it stood and why it was refused.

    On Kafka the value and key of a dead letter are the original ones and the rest stands in headers; in JSON, bytes are
    base64 (URL-safe alphabet).
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    reason: RefusalReason = Field(description="Stable code of the reason")
    message: str = Field(description="What is wrong, for people; at most 500 characters, without the values themselves")
    topic: str = Field(description="Topic the record was read from")
    partition: int = Field(ge=0, description="Its partition")
    offset: int = Field(ge=0, description="Its offset")
    timestamp: int = Field(description="Its Kafka timestamp, milliseconds since the epoch; -1: it had none")
    key: bytes | None = Field(None, description="Original key, at most its first 64 KiB; null: it had none")
    key_length: int | None = Field(None, ge=0, description="Bytes of the original key, if it was cut")
    value: bytes | None = Field(
        None, description="Original value; of one longer than 1 MiB the first 64 KiB; null: it had none"
    )
    length: int | None = Field(None, ge=0, description="Bytes of the original value; null: it had none")
    sha256: str | None = Field(None, description="SHA-256 of the original value, hexadecimal, if it was cut")
    headers: list[OriginalHeader] = Field(description="Original headers in order, at most 256 KiB of them")
    headers_left_out: int = Field(0, ge=0, description="How many original headers did not fit")

    @classmethod
    def from_record(cls, key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> DeadLetter:
        """The dead letter in a record of the dead-letter topic.

        Raises:
            ValueError: a header of a dead letter is missing or is not what it should be.
        """
        ours = {name: (content or b"").decode() for name, content in headers if name in HEADER_MEANINGS}
        missing = [name for name in REQUIRED_HEADERS if name not in ours]
        if missing:
            raise ValueError(f"not a dead letter: no header {', '.join(missing)}")
        return cls(
            reason=RefusalReason(ours[REASON]),
            message=ours[MESSAGE],
            topic=ours[TOPIC],
            partition=int(ours[PARTITION]),
            offset=int(ours[OFFSET]),
            timestamp=int(ours[TIMESTAMP]),
            key=key,
            key_length=int(ours[KEY_LENGTH]) if KEY_LENGTH in ours else None,
            value=value,
            length=int(ours[LENGTH]) if LENGTH in ours else None,
            sha256=ours.get(SHA256),
            headers=[
                OriginalHeader(name=name, value=content) for name, content in headers if name not in HEADER_MEANINGS
            ],
            headers_left_out=int(ours.get(HEADERS_LEFT_OUT, "0")),
        )


def dead_letter_record(
    refusal: Refusal,
    *,
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[Header],
) -> OutRecord:
    """The dead letter of a refused record.

    Args:
        refusal: why.
        topic: where the record was read.
        partition: its partition.
        offset: its offset.
        timestamp_ms: its Kafka timestamp, milliseconds since the epoch.
        key: its key.
        value: its value, decompressed; kept whole up to 1 MiB, else the first 64 KiB.
        headers: its headers, in order; kept in order up to 256 KiB.
    """
    originals = [header for header in headers if header[0] not in HEADER_MEANINGS]
    kept = _fitting(originals)
    ours = {
        REASON: refusal.reason.value,
        MESSAGE: refusal.message[:MAX_MESSAGE_CHARACTERS],
        TOPIC: topic,
        PARTITION: str(partition),
        OFFSET: str(offset),
        TIMESTAMP: str(timestamp_ms),
    }
    if value is not None:
        ours[LENGTH] = str(len(value))
        if len(value) > MAX_VALUE_BYTES:
            ours[SHA256] = hashlib.sha256(value).hexdigest()
            value = value[:CUT_VALUE_BYTES]
    if key is not None and len(key) > MAX_KEY_BYTES:
        ours[KEY_LENGTH] = str(len(key))
        key = key[:MAX_KEY_BYTES]
    if len(kept) < len(originals):
        ours[HEADERS_LEFT_OUT] = str(len(originals) - len(kept))
    return OutRecord(key, value, [*kept, *((name, text.encode(errors="replace")) for name, text in ours.items())])


def _fitting(headers: Iterable[Header]) -> list[Header]:
    """The first headers that fit into 256 KiB together."""
    kept: list[Header] = []
    room = MAX_HEADER_BYTES
    for name, content in headers:
        room -= len(name.encode()) + len(content or b"") + _HEADER_OVERHEAD
        if room < 0:
            break
        kept.append((name, content))
    return kept
