"""Why a record is refused: a stable code for machines, a sentence for people. A value, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RefusalReason(StrEnum):
    """Stable codes: dead letters, metric labels and the examples carry them, so none is ever renamed."""

    EMPTY = "empty"
    NOT_JSON = "not-json"
    INVALID = "invalid"
    NO_OFFSET = "no-offset"
    FUTURE = "future"
    KEY_MISMATCH = "key-mismatch"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    CONFLICT = "conflict"
    WRONG_PARTITION = "wrong-partition"
    INTERNAL = "internal"


REASON_MEANINGS: Final[dict[RefusalReason, str]] = {
    RefusalReason.EMPTY: "the record has no value",
    RefusalReason.NOT_JSON: "the value is not JSON in UTF-8 (RFC 8259): syntax, byte order mark, NaN, lone surrogates",
    RefusalReason.INVALID: "a member is missing, has the wrong type or lies outside its limits",
    RefusalReason.NO_OFFSET: "occurred_at names no offset from UTC, so it is no moment",
    RefusalReason.FUTURE: "occurred_at lies more than 5 minutes after the record's Kafka timestamp (or the latest allowed)",
    RefusalReason.KEY_MISMATCH: "the record's key is not contact_id in UTF-8",
    RefusalReason.TOO_LARGE: "the value is longer than 1 MiB once decompressed",
    RefusalReason.TOO_DEEP: "objects and lists are nested more than 64 deep",
    RefusalReason.CONFLICT: "a CloudEvents attribute and the member it stands for differ",
    RefusalReason.WRONG_PARTITION: "upstream places keys with another partitioner than PALIER_PARTITIONER says",
    RefusalReason.INTERNAL: "decoding or folding the record failed: a fault of Palier, not of the record",
}
"""One line for people per code; README, AsyncAPI and the examples are made from it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused record. The message names members and types of values, never the values themselves."""

    reason: RefusalReason
    message: str
