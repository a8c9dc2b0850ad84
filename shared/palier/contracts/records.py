"""The shape in which every encoder hands over a record to produce: exactly what a Kafka client takes."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

Header: TypeAlias = tuple[str, bytes | None]
"""A Kafka header. Kafka allows a header without a value; the ones Palier writes always have one."""


BATCH_HEADER: Final = "palier_batch"
BATCH_MEANING: Final = "number of the transaction that wrote the record, counted per partition"
"""Added to every record by the engine when it is sent: a torn transaction can be told by it."""


class OutRecord(NamedTuple):
    """One record to produce.

    Attributes:
        key: the contact id in UTF-8; None only in a dead letter whose original had no key.
        value: the encoded event; None is a tombstone, or the empty original of a dead letter.
        headers: in the order in which they are written.
    """

    key: bytes | None
    value: bytes | None
    headers: list[Header]
