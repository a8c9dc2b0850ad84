"""The models as JSON Schema 2020-12, for validators in other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from palier.contracts.dead_letter import DeadLetter
from palier.contracts.tier_change import TierChange
from palier.contracts.tier_current import TierCurrent
from palier.contracts.touchpoint import Touchpoint

if TYPE_CHECKING:
    from palier.contracts.members import ContractModel

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

MODELS: Final[dict[str, type[ContractModel]]] = {
    "touchpoint": Touchpoint,
    "tier-change": TierChange,
    "tier-current": TierCurrent,
    "dead-letter": DeadLetter,
}
"""Name of a contract -> its model."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one contract.

    It says what the model says but for what the dialect cannot: that a moment exists and lies in 1970 to 2100, that
    82.0 is no integer, that nesting and size are bounded.
    """
    schema = MODELS[name].model_json_schema(by_alias=True)
    first = {"$schema": DIALECT, "$id": f"urn:palier:schema:{name}:1"}
    order = ("title", "description", "type", "properties", "required", "$defs")
    return first | {member: schema[member] for member in order if member in schema}
