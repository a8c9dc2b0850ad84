"""Times and sizes that are part of the contract and no pack's business."""

from __future__ import annotations

from typing import Final

NEVER: Final = -1
"""A moment before every touchpoint: stands for "has not happened"."""

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

LATENESS_MS: Final = 7 * DAY_MS
"""A touchpoint this much older than the contact's `as_of` no longer scores, and its id need not be remembered."""

RESET_TOLERANCE_MS: Final = 5 * MINUTE_MS
"""A reset reaches this far past its touchpoint, for the clocks of two upstream apps differ."""

REMEMBERED_IDS: Final = 128
RING: Final = 16
"""Latest contributions an axis remembers, by arrival."""
STRONGEST: Final = 5
"""Contributions of greatest worth an axis remembers, and the most reasons a tier change gives."""
MESSAGES: Final = 8
"""Messages a contact remembers, in the order in which they joined."""
MESSAGE_ENTRIES: Final = 6
"""Opens and clicks remembered of a message, by arrival."""
MOST_AXES: Final = 8
MOST_TIERS: Final = 16
MOST_WEIGHTINGS: Final = 100
"""Different weightings of one pack; a contact has room for a few more, those of older packs."""
