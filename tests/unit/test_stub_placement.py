"""A stub can follow its contact to another number of partitions, though it tells nobody who that is."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palier.contracts.contact_state import decode_state, encode_state
from palier.contracts.stub_key import STUB_PREFIX, stub_key
from palier.domain.state import ContactState
from palier.engine.meta import META_KEY
from palier.kafka.partitioning import partition_at, partition_of, placed_by, placement_of
from worker_kit.in_process import Bench
from worker_kit.poison import touchpoint

KEYS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200).map(str.encode)


def erased(contact_id, day=1):
    return touchpoint(contact_id, day, type="contact.erased")


def stub_of(bench, contact_id):
    salt = bench.partition.context.stub_salt
    return decode_state(bench.states[stub_key(contact_id.encode(), salt)])


@given(KEYS, st.integers(1, 4096), st.sampled_from(["murmur2", "crc32"]))
def test_a_placement_gives_the_partition_of_its_key_for_any_count(key, partitions, partitioner):
    """Without the key, and it says by which kind of producer."""
    placement = placement_of(key, partitioner)
    assert partition_at(placement, partitions) == partition_of(key, partitions, partitioner)
    assert placed_by(placement) == partitioner
    assert placement < 1 << 33


@given(KEYS)
def test_no_key_of_a_contact_is_that_of_a_stub(key):
    """Ids hold no control characters, and stubs begin with one."""
    assert not key.startswith(STUB_PREFIX)
    assert not stub_key(key, "palier").startswith(META_KEY)


@pytest.mark.parametrize(("partitioner", "placement"), [("crc32", 1 << 32 | zlib.crc32(b"ada")), ("none", None)])
def test_the_worker_notes_the_placement_of_an_erased_contact(partitioner, placement):
    """By the producer that the settings name; if nobody knows how upstream places keys, nothing is noted."""
    bench = Bench(partitioner=partitioner, number=zlib.crc32(b"ada") % 8, partitions=8)
    bench.feed(touchpoint("ada", 1), erased("ada", 2))
    bench.checkpoint()
    assert stub_of(bench, "ada").placement == placement


def test_a_placement_once_noted_stays():
    """Also through a worker that is not told how upstream places keys."""
    bench = Bench(partitioner="crc32", number=zlib.crc32(b"ada") % 8, partitions=8)
    bench.feed(erased("ada", 1))
    bench.processor._partitioner = "none"
    bench.feed(erased("ada", 2))
    bench.checkpoint()
    assert stub_of(bench, "ada").placement == 1 << 32 | zlib.crc32(b"ada")


def test_a_woken_contact_has_no_placement():
    """It has an id again."""
    bench = Bench(partitioner="crc32", number=zlib.crc32(b"ada") % 8, partitions=8)
    bench.feed(erased("ada", 1), touchpoint("ada", 2, type="consent.granted"))
    bench.checkpoint()
    assert bench.states.keys() == {b"ada"}
    assert decode_state(bench.states[b"ada"]).placement is None


def test_a_stub_without_placement_is_read():
    """Sequence and time of the erasure are what it must have."""
    state = ContactState.new()
    state.sequence, state.erased_at = 7, 1_000
    again = decode_state(encode_state(state))
    assert (again.sequence, again.erased_at, again.placement, again.is_erased) == (7, 1_000, None, True)


def test_the_salt_of_stubs_moves_with_the_state():
    """An application that took the state over finds the contacts that were erased under the former one's name."""
    former = Bench()
    former.feed(erased("ada", 5))
    former.checkpoint()
    assert former.summary["stub_salt"] == former.settings.application
    heir = Bench(app_id="heir", summary=former.summary)
    heir.partition.copy.store.write([(key, b"\0" * 17 + state) for key, state in former.states.items()], None)
    heir.feed(touchpoint("ada", 3))
    heir.checkpoint()
    assert heir.states == former.states, "a touchpoint from before the erasure made the contact anew"
    assert heir.summary["stub_salt"] == former.settings.application
