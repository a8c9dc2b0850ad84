"""One thing a contact did, or that was done to her: what the fold reads of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Touchpoint:
    """A touchpoint as the fold sees it; whoever makes one has validated it.

    Not frozen, because a frozen dataclass costs four times as much to make and the worker makes one for every record;
    nobody changes one.
    """

    id: str
    """Unique within its source."""
    source: str
    """The upstream app that published it."""
    type: str
    channel: str
    contact_id: str
    occurred_at: int
    """UTC, milliseconds since the epoch."""
    object_id: str | None = None
    """What it was about: an article, a product, a mailing. Absent or empty names none."""
    campaign_id: str | None = None
    rating: int | None = None
    """Per cent of the scale, 0..100."""
    bot: bool = False
    """The sender knows already that no human did this."""
    crawler: bool = False
    """Its user agent is that of a declared crawler; whoever decodes a record has looked."""
    properties: Mapping[str, object] | None = None
    """Whatever else the source says. The fold reads a few members, and takes one of another type for absent."""
