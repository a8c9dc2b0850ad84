"""Contacts that Palier encoded as older versions of the state, kept as it wrote them: years later they must be read.

`contacts()` makes the same contacts anew, by the same touchpoints, with the code of today.
"""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

from domain_kit.contact import Contact, small_pack
from domain_kit.crowd import busiest, typical
from palier.domain.arrange import arrange

if TYPE_CHECKING:
    from palier.domain.state import ContactState

FOLDER = Path(__file__).parents[1] / "golden" / "states"
VERSIONS = (1, 2)
OF_VERSION_1 = (
    "sequence", "erased_at", "layout", "as_of", "ahead", "scores", "reset_at", "earned", "held", "headline", "since",
    "retired", "consents", "withdrawn_all", "remembered", "caps", "distinct", "era", "times", "codes", "evidence", "free",
    "rings", "strongest", "weightings", "words",
)  # fmt: skip
"""What followed the version, in this order; of a stub the first two, and its placement."""
FIELDS = {1: OF_VERSION_1, 2: (*OF_VERSION_1, "pack_version")}


def encoded(version: int) -> dict[str, bytes]:
    """Name -> the bytes of that version."""
    kept = json.loads((FOLDER / f"version-{version}.json").read_text())
    return {name: b64decode(data) for name, data in kept.items()}


def contacts() -> dict[str, ContactState]:
    """Name -> the contact itself."""
    zealot, demoted, retired, silenced, woken = (Contact(small_pack()) for _ in range(5))
    for contact in (zealot, demoted, retired, silenced, woken):
        contact.opts_in()
        for type_ in ("zeal.6", "zeal.7", "warm.12", "both", "capped"):
            contact.does(type_, 1, object_id="leaflet", campaign_id="spring")
    demoted.waits(20)
    arrange(retired.state, small_pack(tiers=small_pack().tiers[:1]).compiled)
    silenced.does("done", 1)
    silenced.does("zeal.7", 0)
    silenced.does("goodbye", 2)
    silenced.does("silence", 2)
    woken.does("forget", 3)
    stub, placed = woken.state.to_fields(), Contact(small_pack())
    placed.does("forget", 3)
    placed.state.placement = 4_711
    woken.opts_in(4)
    woken.does("warm.12", 4)
    erased = type(woken.state).from_fields(list(stub))
    return {
        "a typical one": typical(1),
        "another typical one": typical(2),
        "the busiest": busiest(1),
        "one of a pack with other names": zealot.state,
        "one whom a timer demoted": demoted.state,
        "one whose tier the pack dropped": retired.state,
        "one behind a closed gate": silenced.state,
        "one who came back": woken.state,
        "a stub": erased,
        "a stub that tells where it belongs": placed.state,
    }
