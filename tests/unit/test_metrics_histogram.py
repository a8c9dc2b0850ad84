"""The batch histogram gives what the client library's own would give, one observation at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from palier.histogram import BatchHistogram

BOUNDS = (0.05, 0.1, 1, 2.5, 300)
NOW_MS = 1_800_000_000_000


def samples(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("le", "")): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def pair() -> tuple[CollectorRegistry, BatchHistogram, CollectorRegistry, Histogram]:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    return (
        ours,
        BatchHistogram("some_seconds", "Some.", bounds=BOUNDS, registry=ours),
        theirs,
        Histogram("some_seconds", "Some.", buckets=BOUNDS, registry=theirs),
    )


ages_ms = st.integers(0, 400_000) | st.sampled_from([int(bound * 1000) for bound in BOUNDS])


@given(st.lists(st.lists(ages_ms)))
def test_ages_land_in_the_buckets_of_the_library(batches: list[list[int]]) -> None:
    """Any batches of ages, those on a bound included, give the library's buckets, count and sum."""
    ours, batch_histogram, theirs, histogram = pair()
    for batch in batches:
        batch_histogram.observe_ages([NOW_MS - age for age in batch], NOW_MS)
        for age in batch:
            histogram.observe(age / 1000)
    assert samples(ours) == pytest.approx(samples(theirs))


@given(st.lists(st.tuples(st.floats(0, 1000) | st.sampled_from(BOUNDS), st.integers(1, 5))))
def test_a_repeated_value_is_that_many_observations(observations: list[tuple[float, int]]) -> None:
    """observe(value, n) equals n times observe(value)."""
    ours, batch_histogram, theirs, histogram = pair()
    for value, count in observations:
        batch_histogram.observe(value, count)
        for _ in range(count):
            histogram.observe(value)
    assert samples(ours) == pytest.approx(samples(theirs))


def test_a_timestamp_of_the_future_is_of_age_zero() -> None:
    """A producer whose clock is ahead neither makes the sum fall nor is it lost from the count."""
    registry, histogram, _, _ = pair()
    histogram.observe_ages([NOW_MS + 60_000, NOW_MS - 2_000], NOW_MS)
    shown = samples(registry)
    assert shown[("some_seconds_sum", "")] == 2
    assert shown[("some_seconds_bucket", "0.05")] == 1
    assert shown[("some_seconds_count", "")] == 2


def test_bounds_must_ascend() -> None:
    """Bounds out of order would count wrongly without a word."""
    with pytest.raises(ValueError, match="ascend"):
        BatchHistogram("some_seconds", "Some.", bounds=(1, 0.5), registry=CollectorRegistry())


def test_a_name_is_given_once() -> None:
    """The registry refuses a second metric of the same name, as with the library's own."""
    registry, _, _, _ = pair()
    with pytest.raises(ValueError, match="some_seconds"):
        BatchHistogram("some_seconds", "Some.", bounds=BOUNDS, registry=registry)
