"""What the judge knows of packs, compaction and dead letters, on logs made by hand: it accepts the right, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from model.pack_file import pack_file
from model.tables import DEFAULT
from palier.contracts.dead_letter import dead_letter_record
from palier.contracts.records import BATCH_HEADER
from palier.contracts.refusal import Refusal, RefusalReason
from palier.engine.meta import META_KEY, Meta, encode_meta
from palier.packs import load_pack
from palier.packs.loading import parse_pack
from worker_kit.dead_letters import dead_letter_faults
from worker_kit.succession import InForce, Succession
from worker_kit.transactions import remaining_faults

TOPIC = "touchpoints"


def in_force(version, table=DEFAULT):
    """A pack of that version, both ways."""
    return InForce(parse_pack(pack_file(table, "made", version), "made"), table)


def meta_record(number, position, pack, **records):
    """A META as it lies in a changelog."""
    summary = {"pack": [pack.name, pack.version, pack.digest]}
    meta = Meta(batch_number=number, positions={TOPIC: position}, records=records, summary=summary)
    return SimpleNamespace(key=lambda: META_KEY, value=lambda: encode_meta(meta))


def output(number):
    """A record of an output, of that batch."""
    return SimpleNamespace(headers=lambda: [(BATCH_HEADER, str(number).encode())])


# --- packs ----------------------------------------------------------------------------------------------------------------
def test_a_table_as_a_file_is_the_pack():
    """The default table, written as a marketer would, is the default pack but for what it tells people."""
    ours, theirs = in_force(1).pack, load_pack(None)
    assert [replace(tier, meaning="") for tier in theirs.tiers] == [replace(tier, meaning="") for tier in ours.tiers]
    assert (ours.axes, ours.rules, ours.permission_channels) == (theirs.axes, theirs.rules, theirs.permission_channels)


def test_a_pack_takes_over_where_the_meta_before_its_first_one_stands():
    """Whatever that transaction folded, it folded with its own pack."""
    one, two, three = map(in_force, (1, 2, 3))
    log = [meta_record(1, 5, one.pack), meta_record(2, 9, two.pack), meta_record(3, 9, three.pack)]
    succession = Succession([one, two, three], [log, []], TOPIC)
    assert succession.takeovers == [{5: two, 9: three}, {}]
    assert succession.count == 2
    assert succession.faults == []


@pytest.mark.parametrize("versions", [(1, 2, 1), (1, 9)], ids=["an older one again", "one that nobody knows"])
def test_a_pack_that_must_not_follow(versions):
    """A worker with such a pack has written, where it had to end."""
    packs = {version: in_force(version) for version in (1, 2, 9)}
    log = [meta_record(place + 1, place, packs[version].pack) for place, version in enumerate(versions)]
    assert len(Succession([packs[1], packs[2]], [log], TOPIC).faults) == 1


# --- compaction -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("metas", "outputs", "faults"),
    [
        ([(3, 2), (7, 0), (8, 1)], [3, 3, 5, 8], 0),
        ([(3, 2), (8, 1)], [3, 5, 8], 1),
        ([(3, 2), (8, 1)], [3, 3, 8, 8], 1),
        ([(8, 1), (3, 2)], [3, 3, 8], 2),
        ([(3, 2)], [3, 3, 4], 1),
    ],
    ids=["whole", "an output lost", "an output too many", "an older batch after", "an output beyond the last META"],
)
def test_what_compaction_leaves_is_still_judged(metas, outputs, faults):
    """Every META that is left counts its outputs, and none of a later batch lies beyond the last."""
    pack = load_pack(None)
    changelog = [meta_record(number, 0, pack, tier_changes=count) for number, count in metas]
    found = remaining_faults(changelog, {"tier_changes": list(map(output, outputs))})
    assert len(list(found)) == faults


# --- dead letters -----------------------------------------------------------------------------------------------------------
ORIGINAL = {"key": b"k" * 70_000, "value": b"v" * (2**20 + 1), "headers": [("h", b"1"), ("h", None)]}
PLACE = 0, 7


def refused_record(**changes):
    """(the record, its dead letter); `changes`: of what the dead letter tells."""
    record = SimpleNamespace(
        partition=lambda: PLACE[0], offset=lambda: PLACE[1], **{name: lambda it=it: it for name, it in ORIGINAL.items()}
    )
    refusal = Refusal(RefusalReason.TOO_LARGE, "too large")
    told = {"topic": TOPIC, "partition": PLACE[0], "offset": PLACE[1], "timestamp_ms": 1} | ORIGINAL | changes
    key, value, headers = dead_letter_record(refusal, **told)
    return record, SimpleNamespace(key=lambda: key, value=lambda: value, headers=lambda: headers)


def test_a_dead_letter_that_is_as_it_must_be():
    """What is cut by contract is no fault."""
    record, letter = refused_record()
    assert list(dead_letter_faults([[record]], {PLACE: "too-large"}, [letter])) == []


@pytest.mark.parametrize(
    "changes",
    [{"key": b"other"}, {"value": b"other"}, {"headers": [("h", b"2"), ("h", None)]}, {"headers": []}, {"offset": 8}],
    ids=["key", "value", "header", "no headers", "place"],
)
def test_a_dead_letter_that_is_not_what_was_refused(changes):
    """Byte for byte: key, value, headers, and where it lay."""
    record, letter = refused_record(**changes)
    assert list(dead_letter_faults([[record]], {PLACE: "too-large"}, [letter])) != []


def test_a_dead_letter_too_few_or_too_many():
    """Each refused record once."""
    record, letter = refused_record()
    assert list(dead_letter_faults([[record]], {PLACE: "too-large"}, [])) != []
    assert list(dead_letter_faults([[record]], {PLACE: "too-large"}, [letter, letter])) != []
    assert list(dead_letter_faults([[record]], {PLACE: "invalid"}, [letter])) != []
