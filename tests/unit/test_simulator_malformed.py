"""Malformed records: each is refused, and for the reason it was made for."""

from __future__ import annotations

from collections import Counter

import pytest

from palier.contracts.decoding import decode_line, decode_touchpoint
from palier.contracts.refusal import Refusal, RefusalReason
from palier_simulator.malformed import FAULTS, with_malformed
from palier_simulator.rhythm import DAY_MS
from palier_simulator.world import Profile, touchpoints

END_MS = 1_767_225_600_000
PROFILE = Profile(contacts=40, seed=2, start_ms=END_MS - 60 * DAY_MS, end_ms=END_MS)
NEVER_MADE_UPSTREAM = {RefusalReason.INTERNAL}


@pytest.fixture(scope="module")
def lawful():
    return list(touchpoints(PROFILE))


def test_every_reason_has_a_fault():
    """Every reason of the contract is provoked but the one that is the platform's own fault."""
    assert {fault.reason for fault in FAULTS} == set(RefusalReason) - NEVER_MADE_UPSTREAM


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if not fault.misplaced], ids=lambda fault: fault.name)
def test_a_fault_is_refused_for_its_reason(fault, lawful):
    """Each fault alone makes the decoder refuse a record, with the reason the fault names, into Kafka and in a file."""
    records = [record for record in with_malformed(lawful[:40], 0.5, 1, [fault]) if record.refusal is not None]
    assert records
    for record in records:
        assert record.refusal is fault.reason
        from_kafka = decode_touchpoint(record.value, record.key, END_MS, [])
        assert isinstance(from_kafka, Refusal)
        assert from_kafka.reason is fault.reason
        if not fault.needs_kafka:
            from_file = decode_line(record.value, END_MS)
            assert isinstance(from_file, Refusal)
            assert from_file.reason is fault.reason


def test_misplaced_records_are_lawful_but_for_their_partition(lawful):
    """What is sent to a foreign partition decodes: only its place is wrong."""
    (misplaced,) = [fault for fault in FAULTS if fault.misplaced]
    for record in with_malformed(lawful[:40], 0.5, 1, [misplaced]):
        assert record.wrong_partition is (record.refusal is RefusalReason.WRONG_PARTITION)
        assert not isinstance(decode_touchpoint(record.value, record.key, END_MS, []), Refusal)


def test_lawful_records_stay_as_they_are(lawful):
    """Malformed records come on top: the lawful ones are the same with any share and any seed of them."""
    mixed = list(with_malformed(lawful, 0.3, 9))
    assert [record for record in mixed if record.refusal is None] == lawful
    assert len(mixed) > len(lawful)
    assert list(with_malformed(lawful, 0, 9)) == lawful


def test_the_share_is_of_all_records(lawful):
    """`share` counts malformed among all records, and every fault comes up."""
    light = [fault for fault in FAULTS if fault.reason is not RefusalReason.TOO_LARGE]
    mixed = list(with_malformed(lawful, 0.25, 3, light))
    counts = Counter(record.refusal for record in mixed)
    assert (len(mixed) - counts[None]) / len(mixed) == pytest.approx(0.25, abs=0.03)
    assert set(counts) - {None} == {fault.reason for fault in light}


def test_order_of_arrival_is_kept_and_repeatable(lawful):
    """Malformed records arrive with the one they imitate; the same seed makes the same ones."""
    mixed = list(with_malformed(lawful, 0.1, 3))
    assert [record.at for record in mixed] == sorted(record.at for record in mixed)
    assert list(with_malformed(lawful, 0.1, 3)) == mixed


def test_no_line_breaks(lawful):
    """A malformed record is still one line of a file."""
    assert all(b"\n" not in record.value for record in with_malformed(lawful, 0.2, 4))
