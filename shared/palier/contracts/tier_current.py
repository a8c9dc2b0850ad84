"""TierCurrent, one flat record per contact in a compacted topic: the table that downstream loads instead of folding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from pydantic import Field

from palier.contracts.members import ContractModel, LongName, Moment
from palier.contracts.moments import format_moment
from palier.contracts.records import OutRecord

if TYPE_CHECKING:
    from palier.domain import outcome
    from palier.domain.pack import RulePack

_encode: Final = msgspec.json.Encoder().encode


class TierCurrent(ContractModel):
    """The tiers of a contact as they are now. A record without a value: the contact was erased."""

    contact_id: LongName = Field(description="Who; also the Kafka key, in UTF-8")
    sequence: int = Field(ge=1, description="Number of the contact's latest tier change")
    tier: str = Field(description="Headline tier: the highest-ranked one held", examples=["engaged"])
    held: list[str] = Field(description="Tiers held, sorted by name")
    channels: list[str] = Field(
        description="Channels granted at occurred_at, sorted by name; no licence to send later: ask the consent source"
    )
    since: Moment = Field(description="When the headline tier began, UTC")
    occurred_at: Moment = Field(description="The moment of the latest change, UTC")
    cause: str = Field(description="Cause of the latest change; an open list, see TierChange", examples=["touchpoint"])
    pack_version: int = Field(ge=0, description="Version of the rule pack that decided")
    pack_digest: str = Field(description="SHA-256 of the rule pack that decided, hexadecimal")
    recorded_at: Moment = Field(description="When the worker noticed, UTC")


def tier_current_record(change: outcome.TierChange, pack: RulePack, recorded_at: int) -> OutRecord:
    """The record that says how a contact stands after `change` (any cause but erasure).

    Args:
        change: the contact's latest tier change.
        pack: the rule pack in force.
        recorded_at: when it was noticed, milliseconds since the epoch.
    """
    members = {
        "contact_id": change.contact_id,
        "sequence": change.sequence,
        "tier": change.to_tier,
        "held": sorted(change.held),
        "channels": sorted(change.channels),
        "since": format_moment(change.since),
        "occurred_at": format_moment(change.occurred_at),
        "cause": change.cause,
        "pack_version": pack.version,
        "pack_digest": pack.digest,
        "recorded_at": format_moment(recorded_at),
    }
    return OutRecord(change.contact_id.encode(), _encode(members), [("content-type", b"application/json")])


def tier_current_tombstone(contact_id: str) -> OutRecord:
    """The record that removes an erased contact from the table."""
    return OutRecord(contact_id.encode(), None, [])
