"""Moving state without Kafka: digests, what a changelog must be like, and where its contacts go."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palier.contracts.contact_state import STATE_VERSION, decode_head, encode_state
from palier.contracts.stub_key import stub_key
from palier.domain.state import ContactState
from palier.engine.meta import META_KEY, Envelope, Meta, encode_meta
from palier.errors import ConfigurationError, DataError
from palier.kafka.extents import Extent
from palier.kafka.partitioning import partition_of, placement_of
from palier.moving.changelog import ChangelogPartition, last_values
from palier.moving.contents import Header, PartitionPart, Seal, contact_bytes
from palier.moving.exporting import SUMMARY
from palier.moving.route import new_metas, route_of, starting_positions
from palier.moving.set_digest import SetDigest
from palier.moving.standstill import Topics
from palier.moving.state_file import StateFile
from palier.settings import Settings
from worker_kit.in_process import Bench
from worker_kit.poison import lawful

FORMER = Settings(partitions=4)
TOPICS = Topics.of(FORMER)
CLUSTER = "c1"


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    offset: int = 0


def digest(records):
    total = SetDigest()
    for record in records:
        total.add(record)
    return total.count, total.hexadecimal


# --- digests ----------------------------------------------------------------------------------------------------------------
@given(st.lists(st.binary(max_size=20), max_size=20), st.randoms())
def test_a_digest_does_not_depend_on_order(records, chance):
    """Nor on the partitions the records are read from."""
    shuffled = [*records]
    chance.shuffle(shuffled)
    assert digest(shuffled) == digest(records)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=20), st.data())
def test_a_lost_doubled_or_changed_record_changes_the_digest(records, data):
    """Also when records are equal: it is a sum and not an exclusive or."""
    index = data.draw(st.integers(0, len(records) - 1))
    one, rest = records[index], records[:index] + records[index + 1 :]
    found = {digest(other)[1] for other in (records, rest, [*records, one], [*rest, one + b"!"])}
    assert len(found) == 4


@given(st.tuples(st.binary(), st.binary()), st.tuples(st.binary(), st.binary()), st.integers(0, 9), st.integers(0, 9))
def test_the_bytes_of_a_contact_tell_where_its_parts_end(one, other, due_s, other_due_s):
    """Else a key could grow by what its state has lost."""
    same = (one, due_s) == (other, other_due_s)
    assert (contact_bytes(one[0], due_s, one[1]) == contact_bytes(other[0], other_due_s, other[1])) == same


# --- the changelog ----------------------------------------------------------------------------------------------------------
def resting(state=None, batch_number=1, due_s=0):
    return Envelope.pack(Envelope.VERSION, batch_number, 5, due_s) + encode_state(state or ContactState.new())


def stub(placement=None):
    state = ContactState.new()
    state.sequence, state.erased_at, state.placement = 3, 1_000, placement
    return state


def stub_head(placement=None):
    return decode_head(encode_state(stub(placement)))


META = Record(META_KEY, encode_meta(Meta(batch_number=1)))


def finished(*records):
    changelog = ChangelogPartition("log", 2)
    changelog.apply(records[:1])
    changelog.apply(records[1:])
    return {key: (due_s, state) for key, due_s, state, _ in changelog.finished()}


def test_the_last_record_of_a_key_counts():
    """As in recovery: what was deleted is gone, what came later replaces; envelopes lose what belongs to their place."""
    states = finished(
        Record(b"ada", resting()),
        Record(b"bob", resting(due_s=7)),
        Record(b"eve", resting()),
        META,
        Record(b"ada", resting(stub(), batch_number=2)[:-1] + b"\x00"),
        Record(b"ada", resting(due_s=9, batch_number=2)),
        Record(b"eve", None),
        Record(stub_key(b"eve", "palier"), resting(stub(), batch_number=2)),
        Record(META_KEY, encode_meta(Meta(batch_number=2))),
    )
    new = encode_state(ContactState.new())
    assert states == {b"ada": (9, new), b"bob": (7, new), stub_key(b"eve", "palier"): (0, encode_state(stub()))}


def test_an_empty_changelog_is_a_partition_without_contacts():
    """Nobody has published to it yet."""
    assert finished() == {}


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([Record(b"ada", resting())], "1 records but no META"),
        ([Record(META_KEY, encode_meta(Meta())), Record(b"ada", resting())], "2 records but no META"),
        ([META, Record(b"ada", resting(batch_number=2))], "torn; start a worker"),
        ([META, Record(META_KEY, None, 17)], "offset 17: META was deleted"),
        ([Record(None, b"x", 17), META], "offset 17: its key is neither"),
        ([Record(b"\0strange", b"x", 17), META], "offset 17: its key is neither"),
        ([Record(META_KEY, b"\x91\x63", 17)], "offset 17: META of version 99"),
        ([Record(b"ada", b"\x01"), META], "shorter than its envelope"),
        ([Record(b"ada", b"\x09" + resting()[1:]), META], "state of version 9"),
        ([Record(b"ada", resting()[: Envelope.SIZE] + b"\x93\x63\0\0"), META], "run the newer one"),
        ([Record(b"ada", resting(stub())), META], "a contact lies where a stub should"),
        ([Record(stub_key(b"ada", "palier"), resting()), META], "a contact lies where a stub should"),
    ],
)
def test_a_damaged_changelog_is_not_exported(records, said):
    """Exit code 65 with partition and reason: a backup that could not be restored is none."""
    with pytest.raises(DataError, match=f"changelog log, partition 2.*{said}"):
        finished(*records)


def test_a_torn_transaction_that_was_overwritten_is_none():
    """Batch 2 was torn, a worker has given the number again since."""
    assert finished(META, Record(b"ada", resting(batch_number=2)), Record(META_KEY, encode_meta(Meta(batch_number=2))))


def test_a_compacted_topic_ends_with_the_last_values():
    """Tombstones remove, also what a batch before had."""
    table = {}
    last_values(table, [Record(b"ada", b"1"), Record(b"bob", b"1"), Record(b"ada", b"2")])
    last_values(table, [Record(b"bob", None), Record(b"eve", None)])
    assert {key: record.value for key, record in table.items()} == {b"ada": b"2"}


def test_every_member_of_metas_summary_is_moved():
    """A new member of the worker's summary must find its way through a move before it may be written."""
    bench = Bench()
    bench.feed(*lawful("ada"))
    bench.checkpoint()
    assert bench.summary.keys() == SUMMARY


# --- the route --------------------------------------------------------------------------------------------------------------
def exported(tmp_path, *, erased=None, unread=0, **members):
    header = {
        "written_at": "2026-01-01T00:00:00.000Z",
        "application": FORMER.application,
        "cluster": CLUSTER,
        "touchpoints": TOPICS.touchpoints,
        "tier_current": TOPICS.tier_current,
        "partitions": FORMER.partitions,
        "partitioner": "murmur2",
    }
    parts = tuple(
        PartitionPart(
            number=number,
            batch_number=10 * number,  # the first one has never made a checkpoint
            position=100 + number,
            unread=unread,
            newest_occurred_at=1_000 + number,
            newest_timestamp=2_000 - number,
            pack=("default", 1 + number // 3, "abc"),
            stub_salt="origin" if number else None,
        )
        for number in range(4)
    )
    seal = Seal(contacts=9, erased=erased or {}, digest="", currents=0, currents_digest="")
    return StateFile(tmp_path / "file", Header(**header | members), parts, seal, 0)


def heir(**members):
    return Settings(**{"app_id": "heir", "partitions": 12, "topic_prefix": "new-"} | members)


def route(file, settings, cluster=CLUSTER):
    return route_of(file, settings, Topics.of(settings), cluster)


@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
def test_onto_other_touchpoints_contacts_go_where_upstream_will_publish_them(tmp_path, partitioner):
    """And stubs with them, though they do not know who they are."""
    way = route(exported(tmp_path, partitioner=partitioner), heir(partitioner=partitioner))
    assert (way.in_place, way.with_currents, way.batch_number) == (False, True, 31)
    for number in range(100):
        key = random.Random(number).randbytes(9)
        home = partition_of(key, 12, partitioner)
        assert way.place_contact(key, 3) == home
        assert way.place_stub(stub_head(placement_of(key, partitioner)), 3) == home


def test_onto_the_same_touchpoints_everything_stays(tmp_path):
    """Positions and clocks with it, also when some are not folded yet, and whatever placed the keys."""
    file = exported(tmp_path, unread=5, erased={"unknown": 3})
    way = route(file, FORMER.model_copy(update={"app_id": "heir", "partitioner": "none"}))
    assert (way.in_place, way.with_currents) == (True, False)
    assert {way.place_contact(b"ada", number) for number in range(4)} == {0, 1, 2, 3}
    assert way.place_stub(stub_head(), 2) == 2
    extents = [Extent(50, 200, 200)] * 4
    assert starting_positions(file, way, TOPICS.touchpoints, extents) == [100, 101, 102, 103]
    metas = new_metas(
        file, way, TOPICS.touchpoints, [100, 101, 102, 103], {1: Counter(engaged=2, lost=0)}, Counter({1: 3})
    )
    assert metas[1] == Meta(
        batch_number=31,
        positions={TOPICS.touchpoints: 101},
        records={"changelog": 3},
        summary={
            "contacts": {"engaged": 2},
            "newest_occurred_at": 1_001,
            "newest_timestamp": 1_999,
            "state_version": STATE_VERSION,
            "stub_salt": "origin",
            "pack": ["default", 2, "abc"],
        },
    )


def test_onto_other_touchpoints_it_begins_at_their_beginning(tmp_path):
    """With the clock of the partition that had read least; one that has never read anything does not count."""
    file = exported(tmp_path)
    way = route(file, heir())
    extents = [Extent(number, 50, 50) for number in range(12)]
    positions = starting_positions(file, way, "new-touchpoints", extents)
    assert positions == list(range(12))
    metas = new_metas(file, way, "new-touchpoints", positions, {}, Counter())
    assert [meta.positions for meta in metas] == [{"new-touchpoints": number} for number in range(12)]
    assert {(meta.summary["newest_occurred_at"], meta.summary["newest_timestamp"]) for meta in metas} == {
        (1_001, 1_997)
    }
    assert {(meta.batch_number, meta.records["changelog"]) for meta in metas} == {(31, 0)}
    assert {tuple(meta.summary["pack"]) for meta in metas} == {("default", 2, "abc")}


def test_the_same_name_in_another_cluster_is_another_topic(tmp_path):
    """Offsets mean nothing there."""
    settings = FORMER.model_copy(update={"app_id": "heir"})
    assert route(exported(tmp_path), settings).in_place
    way = route(exported(tmp_path), settings, cluster="c2")
    assert (way.in_place, way.with_currents) == (False, True)


@pytest.mark.parametrize("extent", [Extent(0, 102, 102), Extent(104, 200, 200)])
def test_touchpoints_made_anew_or_shortened_are_noticed(tmp_path, extent):
    """The place where the state goes on must be there."""
    file, settings = exported(tmp_path), FORMER.model_copy(update={"app_id": "heir"})
    with pytest.raises(DataError, match=r"partition 3: the state of .* goes on at offset 103.*made anew"):
        starting_positions(file, route(file, settings), "touchpoints", [Extent(0, 200, 200)] * 3 + [extent])


@pytest.mark.parametrize(
    ("file", "settings", "error", "said"),
    [
        ({}, {"app_id": "palier-tiers", "topic_prefix": ""}, ConfigurationError, "another PALIER_APP_ID"),
        ({"unread": 5}, {}, ConfigurationError, "5 in partition 0.*only onto touchpoints"),
        ({}, {"topic_prefix": ""}, ConfigurationError, "had 4 partitions .* and now 12.*needs a new topic"),
        ({}, {"partitioner": "none"}, ConfigurationError, "which of 12 partitions"),
        ({}, {"partitioner": "none", "partitions": 4}, ConfigurationError, "which of 4 partitions"),
        (
            {"partitioner": "none", "erased": {"unknown": 2}},
            {},
            ConfigurationError,
            "{'unknown': 2} contacts were erased",
        ),
        ({"erased": {"murmur2": 9, "crc32": 1}}, {}, ConfigurationError, "{'crc32': 1} contacts were erased"),
        ({"erased": {"murmur2": 9}}, {"partitioner": "crc32"}, ConfigurationError, "{'murmur2': 9} contacts were"),
        ({"state_version": STATE_VERSION + 1}, {}, DataError, "run the newer one"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, file, settings, error, said):
    """Before anything is written, with what stands in the way."""
    with pytest.raises(error, match=said):
        route(exported(tmp_path, **file), heir(**settings))


def test_without_a_rule_of_placement_the_same_count_keeps_its_partitions(tmp_path):
    """Upstream places keys by a rule of its own, on both sides."""
    way = route(exported(tmp_path, partitioner="none", erased={"unknown": 1}), heir(partitioner="none", partitions=4))
    assert (way.in_place, way.place_contact(b"ada", 2), way.place_stub(stub_head(), 3)) == (False, 2, 3)
