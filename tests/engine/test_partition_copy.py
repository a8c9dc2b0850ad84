"""What a copy makes of a changelog: where it reads on, what it refuses, what it finds torn. No Kafka: records in lists."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from palier.engine.losses import Losses
from palier.engine.meta import META_KEY, Envelope, Meta, encode_meta
from palier.engine.partition_copy import PartitionCopy
from palier.engine.store import Mark, MemoryStore
from palier.errors import DataError, InternalError


def state(batch, offset=0, due_s=0, what=b"state"):
    return Envelope.pack(Envelope.VERSION, batch, offset, due_s) + what


def meta(batch, changelog=1, deletions=0):
    return encode_meta(Meta(batch_number=batch, records={"changelog": changelog}, deletions=deletions))


def records(*pairs, start=0):
    return [
        SimpleNamespace(offset=start + at, key=key, value=value, timestamp=1_000 * (start + at))
        for at, (key, value) in enumerate(pairs)
    ]


def recovered(*pairs, losses=None, store=None):
    """A copy that has read such a log, from its beginning to its end."""
    copy = PartitionCopy(0, store, losses=losses)
    start = copy.read_from(0, len(pairs))
    copy.recover(records(*pairs[start:], start=start), len(pairs))
    copy.recovered()
    return copy


def test_the_latest_state_of_each_key_counts():
    """Deletions too; the mark stands just after META."""
    copy = recovered(
        (b"a", state(1)), (b"b", state(1)), (META_KEY, meta(1, 2)), (b"a", None), (META_KEY, meta(2, 1, 1))
    )
    assert dict(copy.store.items()) == {b"b": state(1)}
    assert copy.meta.batch_number == 2
    assert copy.store.mark == Mark(copy.meta, 5, 4_000)


def test_a_copy_reads_on_where_it_stands():
    """Whoever wrote in between."""
    copy = recovered((b"a", state(1)), (META_KEY, meta(1)))
    assert copy.read_from(0, 10) == 2


@pytest.mark.parametrize(("first", "end"), [(3, 10), (0, 1)], ids=["the log begins later", "the log ends before"])
def test_a_copy_outside_the_log_is_thrown_away(first, end):
    """And read anew, if the log still has its beginning."""
    copy = recovered((b"a", state(1)), (META_KEY, meta(1)), losses=Losses(accepted=True))
    assert copy.read_from(first, end) == first
    assert len(copy.store) == 0
    assert copy.meta == Meta()


def test_a_log_without_its_beginning_is_refused_unless_a_copy_has_it():
    """A compacted log keeps its beginning."""
    with pytest.raises(DataError, match=r"changelog, partition 0, offset 0: the 3 records .* --accept-data-loss"):
        PartitionCopy(0).read_from(3, 10)
    warm = recovered((b"a", state(1)), (b"b", state(1)), (META_KEY, meta(1, 2)))
    assert warm.read_from(3, 10) == 3


def test_what_a_ghost_committed_of_a_transaction_is_found():
    """States above META's batch number, with the last offset in each; a later META settles them."""
    torn = (b"a", state(1, 5)), (META_KEY, meta(1)), (b"a", state(2, 9))
    copy = recovered(*torn)
    assert copy.torn == {b"a": 9}
    assert copy.store.mark.position == 2, "a reopened copy reads the torn states again, and so finds them again"
    copy.recover(records((b"b", state(2)), (META_KEY, meta(2)), start=3), 5)
    copy.recovered()
    assert copy.torn == {}


def test_a_hole_in_the_last_transaction_is_found():
    """META counts its records."""
    with pytest.raises(DataError, match="offset 1: 2 records of the last transaction are gone"):
        recovered((b"a", state(1)), (META_KEY, meta(1, 3)))


def test_compaction_is_no_hole():
    """It thins transactions that others follow, and removes deletions of the last."""
    recovered((b"a", state(1)), (META_KEY, meta(2, 3, deletions=2)))
    recovered((META_KEY, meta(1, 7)), (b"a", state(2)), (META_KEY, meta(2, 1)))


def test_timers_come_from_the_envelopes():
    """The latest of each key; on a standby nothing is entered before it takes over."""
    copy = PartitionCopy(0)
    copy.recover(records((b"a", state(1, due_s=7)), (b"b", state(1, due_s=8)), (META_KEY, meta(1, 2))), 3)
    assert len(copy.timers) == 0
    copy.recover(records((b"a", state(2)), (b"b", state(2, due_s=9)), (META_KEY, meta(2, 2)), start=3), 6)
    copy.recovered()
    assert copy.timers.take(8_999, 10) == []
    assert copy.timers.take(9_000, 10) == [b"b"]


def test_timers_of_a_copy_that_was_opened_again():
    """They are in no log of their own."""
    store = MemoryStore()
    log = (b"a", state(1, due_s=7)), (META_KEY, meta(1))
    recovered(*log, store=store)
    assert recovered(*log, store=store).timers.take(7_000, 10) == [b"a"]


def test_a_copy_from_disk_reads_its_meta_once_more():
    """The log says whether what it holds was undone after all; nothing else of it is read again."""
    store, log = MemoryStore(), [(b"a", state(1)), (META_KEY, meta(1))]
    recovered(*log, store=store)
    copy = PartitionCopy(0, store)
    assert copy.read_from(0, 2) == 1
    copy.recover(records(log[1], start=1), 2)
    copy.recovered()
    assert copy.read_from(0, 2) == 2, "once is enough"


def test_a_copy_ahead_of_the_log_is_thrown_away():
    """Its owner was told that the transaction is committed, and then the broker forgot it and a successor undid it."""
    store = MemoryStore()
    store.write([(b"a", state(1))], Mark(Meta(batch_number=1), 2, 0))
    copy = PartitionCopy(0, store)
    assert copy.read_from(0, 3) == 1
    copy.recover([], 3)  # what is there is not committed
    assert not copy.recovered()
    assert store.mark is None
    assert copy.read_from(0, 3) == 0
    copy.recover(records((b"b", state(1)), (META_KEY, meta(1))), 3)
    assert copy.recovered()
    assert dict(copy.store.items()) == {b"b": state(1)}
    copy = PartitionCopy(0)
    copy.commit({b"a": state(1)}, Meta(batch_number=1), 2)
    assert copy.read_from(0, 2) == 1, "what we have committed ourselves we know from hearsay, too"
    assert not copy.recovered()


def test_a_transaction_that_was_written_again_is_the_same():
    """With its states, or META alone when only outputs were undone; also for a copy that is ahead of the log."""
    again = encode_meta(Meta(batch_number=1, records={"changelog": 1}, attempt=1))
    once_more = encode_meta(Meta(batch_number=1, records={"changelog": 1}, attempt=2))
    whole = (b"a", state(1)), (META_KEY, again)
    copy = recovered((b"a", state(1)), (META_KEY, meta(1)), (META_KEY, again))
    assert (copy.meta.attempt, copy.behind_meta) == (1, 3)
    store = MemoryStore()
    store.write([(b"a", state(1))], Mark(Meta(batch_number=1), 1, 0))
    assert recovered(*whole, (META_KEY, once_more), store=store).meta.attempt == 2
    assert store.mark.position == 3


def test_meta_out_of_turn():
    """In a log we read from its beginning it is damage; after a copy from disk, that copy is of another log."""
    with pytest.raises(DataError, match="offset 1: META of batch 1 follows that of batch 1"):
        recovered((META_KEY, meta(1, 0)), (META_KEY, meta(1, 0)))
    store = MemoryStore()
    store.write([(b"a", state(9))], Mark(Meta(batch_number=9), 1, 0))
    with pytest.raises(InternalError, match="of another log"):
        recovered((META_KEY, meta(1, 0)), (META_KEY, meta(2, 0)), store=store)
    assert store.mark is None


def test_imported_state_may_begin_with_batch_0():
    """META of a partition to which no contact was moved."""
    assert recovered((META_KEY, meta(0, 0)), (b"a", state(1)), (META_KEY, meta(1))).meta.batch_number == 1


def test_accepted_damage_is_skipped_and_counted():
    """Each once; the rest of the log counts."""
    counted = []
    losses = Losses(accepted=True, count=counted.append)
    copy = recovered(
        (b"a", state(1)), (META_KEY, meta(1)), (None, b"?"), (b"b", b"?"), (META_KEY, b"?"), (META_KEY, meta(1)),
        (b"c", state(2)), (META_KEY, meta(2)), losses=losses,
    )  # fmt: skip
    assert sorted(key for key, _ in copy.store.items()) == [b"a", b"c"]
    assert copy.meta.batch_number == 2
    assert counted == [1, 1, 1, 1]
