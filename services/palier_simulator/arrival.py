"""What the generator yields and the sinks deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from palier.contracts.refusal import RefusalReason


class Arrival(NamedTuple):
    """One record on its way to the platform.

    Attributes:
        at: when it arrives (ms since the epoch); records are yielded in this order.
        serial: order of making, so that records of the same millisecond have a fixed order.
        key: Kafka key.
        value: Kafka value, or a line of a file without its ending.
        refusal: None for a lawful touchpoint, else the reason it should be refused with.
        wrong_partition: to be sent to another partition than the one its key belongs to.
    """

    at: int
    serial: int
    key: bytes
    value: bytes
    refusal: RefusalReason | None = None
    wrong_partition: bool = False
