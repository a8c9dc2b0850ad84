"""Bytes per contact: counts, so they are asserted."""

from __future__ import annotations

from statistics import fmean

from benchmarks.state_size import BUSIEST, BUSIEST_LIMIT, TYPICAL, TYPICAL_LIMIT, sizes


def test_a_typical_contact_takes_at_most_a_kibibyte():
    """50 touchpoints over 90 days, ids that are UUIDs: the mean of readers, shoppers and fans as they come."""
    assert fmean(sizes(TYPICAL, 60)) <= TYPICAL_LIMIT


def test_the_busiest_contact_takes_at_most_six():
    """50 touchpoints a day for 90 days: every list of the state is as full as this traffic makes it."""
    assert max(sizes(BUSIEST, 5)) <= BUSIEST_LIMIT
