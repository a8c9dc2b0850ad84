"""What a log tells of a transaction without its markers. No Kafka: records in lists."""

from __future__ import annotations

from types import SimpleNamespace

from palier.contracts.records import BATCH_HEADER
from palier.engine.meta import META_KEY, Meta, encode_meta
from palier.engine.unfinished import batch_number_of, belong_to, last_whole


def log(*keys_and_values):
    """Records at the offsets 0, 1, …; None is a marker, which readers do not see."""
    return [
        SimpleNamespace(offset=offset, key=one[0], value=one[1], headers=[])
        for offset, one in enumerate(keys_and_values)
        if one is not None
    ]


def meta(batch, states, attempt=0):
    return META_KEY, encode_meta(Meta(batch_number=batch, records={"changelog": states}, attempt=attempt))


A, B = (b"a", b"1"), (b"b", b"2")


def found(*keys_and_values):
    """(batch number, attempt, keys of states) of what `last_whole` finds."""
    whole = last_whole(log(*keys_and_values))
    return whole and (*whole.meta.place, [record.key for record in whole.states])


def test_a_transaction_is_whole_with_all_that_its_meta_counts():
    """From the marker before it to META."""
    assert found(None, A, B, meta(4, 2), None) == (4, 0, [b"a", b"b"])
    assert found(None, meta(4, 0), None) == (4, 0, [])


def test_a_transaction_that_was_cut_off_is_not_whole():
    """At its end, or at its beginning, or in the middle by cleaning."""
    assert found() is None
    assert found(A, B) is None
    assert found(B, meta(4, 2)) is None
    assert found(A, None, meta(4, 1)) is None


def test_the_last_one_counts():
    """What was cut off behind it is another attempt at the same."""
    assert found(A, meta(4, 1), None, A, B, meta(4, 2), None, A, None, None) == (4, 0, [b"a", b"b"])
    assert found(A, meta(4, 1), None, A, meta(4, 1, attempt=1), None, A) == (4, 1, [b"a"])


def test_written_again_for_the_sake_of_outputs_meta_comes_alone():
    """Its states are committed already."""
    assert found(None, meta(4, 2, attempt=1), None) == (4, 1, [])
    assert found(None, A, meta(4, 2, attempt=1), None) is None


def test_what_looks_like_meta_and_is_none():
    """Somebody else's record, or a deletion."""
    assert found(A, (META_KEY, b"?")) is None
    assert found(A, (META_KEY, None)) is None


def output(batch):
    headers = [] if batch is None else [("other", b"x"), (BATCH_HEADER, batch)]
    return SimpleNamespace(offset=0, key=b"a", value=b"1", headers=headers)


def test_outputs_tell_their_batch():
    """A stranger's record does not."""
    assert [batch_number_of(output(batch)) for batch in (b"17", None, b"x", b"-1")] == [17, None, None, None]
    assert belong_to([output(b"3"), output(b"3")], 3, 2)
    assert not belong_to([output(b"3")], 3, 2), "cleaning took one"
    assert not belong_to([output(b"3"), output(b"2")], 3, 2)
    assert not belong_to([output(b"3"), output(None)], 3, 2)
