"""Vocabularies that are written into states: they grow at the end and never change."""

from __future__ import annotations

from hashlib import sha256

from palier.domain.state import FIELDS
from palier.domain.weightings import KNOWN
from palier.domain.words import WELL_KNOWN

FROZEN = "A state somewhere says {}: append new entries at the end, then write the new length and hash here."


def fingerprint(entries) -> str:
    return sha256("\n".join(entries).encode()).hexdigest()[:16]


def test_well_known_words_only_grow_at_the_end():
    """The numbers of version 1 mean what they meant."""
    assert fingerprint(WELL_KNOWN[:57]) == "ed126f586a007037", FROZEN.format("a word by its number")
    assert fingerprint(WELL_KNOWN[:62]) == "64dbf2e0510928ef", FROZEN.format("a word by its number")


def test_known_weightings_only_grow_at_the_end():
    """The codes of version 1 mean what they meant."""
    assert fingerprint(KNOWN[:29]) == "0f682a9f6b7ad8f9", FROZEN.format("a weighting by its code")


def test_the_fields_are_those_of_the_state_version():
    """Another field, or another order, is another state version."""
    assert fingerprint(FIELDS) == "e5bb6a62b23f88e1", "raise STATE_VERSION and read the older one"
