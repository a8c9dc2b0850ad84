"""TierChange, the event downstream automation subscribes to: the pydantic model, and the encoder that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import NAMESPACE_DNS, UUID, uuid5

import msgspec
from pydantic import Field

from palier.contracts.members import ContractModel, LongName, Moment, ShortName
from palier.contracts.moments import format_moment
from palier.contracts.records import Header, OutRecord
from palier.domain.numbers import floored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from palier.domain import outcome
    from palier.domain.pack import RulePack

EVENT_TYPE: Final = "palier.tier.changed.v1"
"""CloudEvents type. Members are only ever added; anything else would be `...v2`."""

ERASURE: Final = "erasure"
_EVENT_NAMESPACE: Final = uuid5(NAMESPACE_DNS, "palier.tier-changes")
_encode: Final = msgspec.json.Encoder().encode


class PackStamp(ContractModel):
    """The rule pack by which a change was decided."""

    name: str = Field(description="Name of the pack", examples=["default"])
    version: int = Field(ge=0, description="Version of the pack, a whole number that only grows", examples=[1])
    digest: str = Field(description="SHA-256 of the pack's contents, hexadecimal")


class Reason(ContractModel):
    """One contribution that speaks for a tier change."""

    touchpoint_id: ShortName = Field(description="id of the touchpoint that contributed")
    source: ShortName = Field(description="source of that touchpoint")
    type: ShortName = Field(description="type of that touchpoint", examples=["review.posted"])
    channel: ShortName = Field(description="channel of that touchpoint", examples=["community"])
    object_id: LongName | None = Field(description="What it was done to; null: nothing in particular")
    campaign_id: LongName | None = Field(description="The campaign that led there; null: none")
    axis: str = Field(description="The axis it counted on", examples=["advocacy"])
    weight: float = Field(description="Points it counted when it happened, floored to 4 decimals", examples=[25.0])
    worth: float = Field(description="Points left of them at the moment of the change, floored to 4 decimals")
    occurred_at: Moment = Field(description="When the touchpoint happened, UTC")


class TierChange(ContractModel):
    """The set of tiers a contact holds has changed.

    Keep the last sequence per contact: drop what is equal or lower, apply what is one higher; a gap never happens.
    Branch on `gained`, `lost` and `cause`, not on `direction`: a conversion is good news whatever its direction.
    `pack` says that a newer rule pack judged otherwise, as of the last moment the contact was looked at.
    For an erasure `held`, `channels`, `scores`, `thresholds`, `reasons` and `evidence` are absent.
    """

    contact_id: LongName = Field(description="Who; also the Kafka key, in UTF-8")
    sequence: int = Field(
        ge=1, description="Number of the change among this contact's: 1, 2, 3 and so on, without gaps"
    )
    from_tier: str = Field(alias="from", description="Headline tier before: the highest-ranked one held")
    to_tier: str = Field(alias="to", description="Headline tier from now on")
    direction: Literal["up", "down", "lateral"] = Field(
        description="By rank of the headline tier; lateral: the same headline, another set"
    )
    gained: list[str] = Field(description="Tiers gained, sorted by name")
    lost: list[str] = Field(description="Tiers lost, sorted by name")
    occurred_at: Moment = Field(
        description="The moment of the change in the contact's own time, UTC; for inactivity the moment the score fell "
        "to the threshold, not the one of noticing; for pack the newest moment taken into account before it"
    )
    cause: str = Field(
        description="Why: touchpoint, inactivity, conversion (an order fulfilled the intent), permission, erasure, pack "
        "(a newer rule pack) or reversal (what a machine did, or what was revoked, was taken back); an open list",
        examples=["touchpoint", "pack"],
    )
    touchpoint_id: ShortName | None = Field(
        description="id of the touchpoint that caused it; null for inactivity and pack"
    )
    held: list[str] | None = Field(None, description="Tiers held from now on, sorted by name")
    channels: list[str] | None = Field(
        None,
        description="Channels granted at occurred_at, sorted by name; no licence to send later: ask the consent source",
    )
    scores: dict[str, float] | None = Field(
        None, description="Points per axis at occurred_at, floored to 4 decimals", examples=[{"interest": 21.4}]
    )
    touchpoint_source: ShortName | None = Field(None, description="source of the touchpoint that caused it")
    thresholds: dict[str, dict[str, float]] | None = Field(
        None,
        description="Points per tier and axis: those to enter a tier gained, those to leave a tier lost; empty for "
        "permission; for pack only of tiers that points have decided about; for reversal those to enter a tier lost, if "
        "what was taken back may have led into it",
        examples=[{"engaged": {"interest": 19.0}}],
    )
    reasons: list[Reason] | None = Field(
        None, description="Up to 5 contributions on the axes of the tiers gained or lost, of greatest worth first"
    )
    evidence: list[str] | None = Field(
        None,
        description="What speaks against a human in the touchpoint that caused it, an open list: bot, honeypot, crawler, "
        "convicted, click-burst, many-links, too-soon, head-request, flood; empty for one without suspicion, and where no "
        "touchpoint did it",
        examples=[[], ["bot"]],
    )
    pack: PackStamp = Field(description="The rule pack that decided")
    recorded_at: Moment = Field(
        description="When the worker noticed, UTC; in a replay the newest occurred_at read so far"
    )


def tier_change_record(change: outcome.TierChange, pack: RulePack, recorded_at: int, application: str) -> OutRecord:
    """The record of a tier change: a CloudEvent in binary mode, the same on every replay but for `recorded_at`.

    Args:
        change: what the fold says.
        pack: the rule pack in force.
        recorded_at: when it was noticed, milliseconds since the epoch.
        application: prefix and application id, for `ce_source`.
    """
    key = change.contact_id.encode()
    headers: list[Header] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id(change.contact_id, change.sequence)).encode()),
        ("ce_source", f"palier/{application}".encode()),
        ("ce_type", EVENT_TYPE.encode()),
        ("ce_subject", key),
        ("ce_time", format_moment(change.occurred_at).encode()),
        ("ce_partitionkey", key),
        ("ce_sequence", b"%010d" % change.sequence),
        ("content-type", b"application/json"),
    ]
    return OutRecord(key, tier_change_json(change, pack, recorded_at), headers)


def tier_change_json(change: outcome.TierChange, pack: RulePack, recorded_at: int) -> bytes:
    """The value of a tier change's record: members in a fixed order, the same bytes for the same change.

    Args:
        change: what the fold says.
        pack: the rule pack in force.
        recorded_at: when it was noticed, milliseconds since the epoch.
    """
    members: dict[str, Any] = {
        "contact_id": change.contact_id,
        "sequence": change.sequence,
        "from": change.from_tier,
        "to": change.to_tier,
        "direction": change.direction,
        "gained": sorted(change.gained),
        "lost": sorted(change.lost),
        "occurred_at": format_moment(change.occurred_at),
        "cause": change.cause,
        "touchpoint_id": change.touchpoint_id,
    }
    if change.cause == ERASURE:  # the contact asked to be forgotten: nothing about her beyond the fact
        members["touchpoint_source"] = change.touchpoint_source
    else:
        members |= {
            "held": sorted(change.held),
            "channels": sorted(change.channels),
            "scores": _numbers(change.scores),
            "touchpoint_source": change.touchpoint_source,
            "thresholds": {tier: _numbers(axes) for tier, axes in sorted(change.thresholds.items())},
            "reasons": _reasons(change.reasons),
            "evidence": change.evidence,
        }
    members["pack"] = {"name": pack.name, "version": pack.version, "digest": pack.digest}
    members["recorded_at"] = format_moment(recorded_at)
    return _encode(members)


def event_id(contact_id: str, sequence: int) -> UUID:
    """`ce_id` of a contact's n-th tier change: the same on any replay, so readers can drop repeats by it."""
    return uuid5(_EVENT_NAMESPACE, f"{contact_id}:{sequence}")


def _number(number: float) -> float:
    """A number as it is printed: floored to 4 decimals, and never as -0.0."""
    return floored(number) + 0.0


def _numbers(numbers: Mapping[str, float]) -> dict[str, float]:
    """Numbers by name, sorted: the order of the fold's dicts must not show in the bytes."""
    return {name: _number(number) for name, number in sorted(numbers.items())}


def _reasons(reasons: Iterable[outcome.Reason]) -> list[dict[str, Any]]:
    return [
        {
            "touchpoint_id": reason.touchpoint_id,
            "source": reason.source,
            "type": reason.type,
            "channel": reason.channel,
            "object_id": reason.object_id,
            "campaign_id": reason.campaign_id,
            "axis": reason.axis,
            "weight": _number(reason.weight),
            "worth": _number(reason.worth),
            "occurred_at": format_moment(reason.occurred_at),
        }
        for reason in reasons
    ]
