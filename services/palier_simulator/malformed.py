"""Records that must be refused, one small fault each, as a careless or broken upstream application would send them."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from palier.contracts.limits import MAX_DEPTH, MAX_VALUE_BYTES
from palier.contracts.refusal import RefusalReason
from palier_simulator.arrival import Arrival
from palier_simulator.chance import Weighted
from palier_simulator.encoding import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Members = dict[str, Any]


class Fault(NamedTuple):
    """One way to go wrong.

    Attributes:
        name: what is wrong, in a word or two.
        reason: what the platform refuses it with.
        weight: how often, among all faults.
        spoil: makes the bad value of a good touchpoint's members.
        spoil_key: makes the bad Kafka key of the good one; such a fault does not exist in a file.
        misplaced: the record lies in a partition that is not its key's; such a fault does not exist in a file.
    """

    name: str
    reason: RefusalReason
    weight: float
    spoil: Callable[[Members], bytes]
    spoil_key: Callable[[bytes], bytes] | None = None
    misplaced: bool = False

    @property
    def needs_kafka(self) -> bool:
        """Whether it is a fault of the record and not of its value."""
        return self.spoil_key is not None or self.misplaced


encode = msgspec.json.encode


def _with(**members: object) -> Callable[[Members], bytes]:
    """A touchpoint some of whose members are other ones."""
    return lambda touchpoint: encode(touchpoint | members)


def _without(member: str) -> Callable[[Members], bytes]:
    return lambda touchpoint: encode({name: value for name, value in touchpoint.items() if name != member})


def _spliced(text: bytes) -> Callable[[Members], bytes]:
    """A touchpoint with a last member that no encoder would write."""
    return lambda touchpoint: encode(touchpoint)[:-1] + text + b"}"


def _contradicting_itself(touchpoint: Members) -> bytes:
    """A structured CloudEvent whose id is not that of its data."""
    return encode(
        {
            "specversion": "1.0",
            "id": touchpoint["id"][::-1],
            "source": touchpoint["source"],
            "type": touchpoint["type"],
            "datacontenttype": "application/json",
            "data": touchpoint,
        }
    )


FAULTS: tuple[Fault, ...] = (
    Fault("no value", RefusalReason.EMPTY, 8, lambda _: b""),
    Fault("cut off", RefusalReason.NOT_JSON, 8, lambda touchpoint: encode(touchpoint)[:-9]),
    Fault("error page", RefusalReason.NOT_JSON, 4, lambda _: b"<html><body>503 Service Unavailable</body></html>"),
    Fault("not a number", RefusalReason.NOT_JSON, 2, _spliced(b',"rating":NaN')),
    Fault("Latin-1", RefusalReason.NOT_JSON, 2, _spliced(b',"campaign_id":"caf\xe9"')),
    Fault("nobody", RefusalReason.INVALID, 6, _without("contact_id")),
    Fault("no time", RefusalReason.INVALID, 4, _without("occurred_at")),
    Fault("no id", RefusalReason.INVALID, 4, _with(id=None)),
    Fault("number as text", RefusalReason.INVALID, 4, _with(rating="80")),
    Fault("five stars", RefusalReason.INVALID, 2, _with(rating=500)),
    Fault("flag as text", RefusalReason.INVALID, 2, _with(bot="true")),
    Fault("epoch time", RefusalReason.INVALID, 4, _with(occurred_at=1_700_000_000_000)),
    Fault("bare date", RefusalReason.INVALID, 2, _with(occurred_at="2025-03-01")),
    Fault("endless channel", RefusalReason.INVALID, 2, _with(channel="web" * 40)),
    Fault("list", RefusalReason.INVALID, 2, lambda touchpoint: encode([touchpoint])),
    Fault("local time", RefusalReason.NO_OFFSET, 8, lambda good: encode(good | {"occurred_at": good["occurred_at"][:19]})),
    Fault("clock ahead", RefusalReason.FUTURE, 8, _with(occurred_at="2099-01-01T00:00:00.000Z")),
    Fault("nested", RefusalReason.TOO_DEEP, 4, _spliced(b',"properties":' + b'{"p":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)),
    Fault("attachment", RefusalReason.TOO_LARGE, 0.4, _with(properties={"attachment": "A" * MAX_VALUE_BYTES})),
    Fault("two ids", RefusalReason.CONFLICT, 6, _contradicting_itself),
    Fault("foreign key", RefusalReason.KEY_MISMATCH, 8, encode, spoil_key=lambda key: b"session-" + key),
    Fault("foreign partitioner", RefusalReason.WRONG_PARTITION, 4, encode, misplaced=True),
)  # fmt: skip


def with_malformed(
    arrivals: Iterable[Arrival], share: float, seed: int, faults: Iterable[Fault] = FAULTS
) -> Iterator[Arrival]:
    """Puts malformed records between the lawful ones, which stay as they are; `share` of all records (0 <= share < 1).

    Each imitates the touchpoint it follows, under an id of its own.
    """
    random = Random(f"malformed {seed}")  # noqa: S311 - to be repeatable is the point; own draws leave the others alone
    fault = Weighted({fault: fault.weight for fault in faults})
    for arrival in arrivals:
        yield arrival
        while random.random() < share:
            yield _spoil(fault.pick(random.random()), arrival, uuid4(random.getrandbits(128)))


def _spoil(fault: Fault, good: Arrival, touchpoint_id: str) -> Arrival:
    value = fault.spoil(msgspec.json.decode(good.value) | {"id": touchpoint_id})
    key = good.key if fault.spoil_key is None else fault.spoil_key(good.key)
    return Arrival(good.at, good.serial, key, value, fault.reason, fault.misplaced)
