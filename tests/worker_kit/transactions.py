"""Each checkpoint is whole or not there: judged by batch numbers in envelopes and headers, beside what META counts."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from palier.contracts.records import BATCH_HEADER
from palier.engine.meta import META_KEY, Envelope, decode_meta


def transaction_faults(changelog, outputs):
    """Committed batches follow one another, and each has all that its META counts, in the changelog and in every output.

    `changelog`: a partition's committed records, none compacted away. `outputs`: target, as META names it -> committed
    records of the same partition.
    """
    written = {target: Counter(map(batch_of_output, records)) for target, records in outputs.items()}
    number, attempt, records = 0, 0, 0
    for message in changelog:
        if message.key() != META_KEY:
            records += 1
            continue
        meta = decode_meta(message.value())
        if meta.batch_number == number and meta.attempt > attempt and not records:
            attempt = meta.attempt  # it was written again for the sake of outputs that had been undone
            continue
        attempt = meta.attempt
        if meta.batch_number != number + 1:
            yield f"batch {meta.batch_number} follows {number}"
        number = meta.batch_number
        found = {"changelog": records} | {target: counts.pop(number, 0) for target, counts in written.items()}
        if any(meta.records.get(target, 0) != count for target, count in found.items()):
            yield f"batch {number} is torn: META counts {meta.records}, there are {found}"
        records = 0
    left = {target: dict(counts) for target, counts in written.items() if counts}
    if records or left:
        yield f"records without META: {records} of the changelog, of outputs {left}"


def remaining_faults(changelog, outputs):
    """The same of what compaction has left: each META that is still there counts its outputs, and none comes before another.

    `outputs`: those that are not compacted.
    """
    written = {target: Counter(map(batch_of_output, records)) for target, records in outputs.items()}
    metas = [decode_meta(message.value()) for message in changelog if message.key() == META_KEY]
    for old, new in pairwise(metas):
        if new.place <= old.place:
            yield f"batch {new.batch_number} follows {old.batch_number}"
    for meta in metas:
        found = {target: counts[meta.batch_number] for target, counts in written.items()}
        if any(meta.records.get(target, 0) != count for target, count in found.items()):
            yield f"batch {meta.batch_number} is torn: META counts {meta.records}, there are {found}"
    if metas and (
        beyond := {number for counts in written.values() for number in counts if number > metas[-1].batch_number}
    ):
        yield f"outputs of batches {sorted(beyond)}, the last META is of {metas[-1].batch_number}"


def batch_of_output(message):
    """Number of the transaction that an output belongs to."""
    return int(dict(message.headers())[BATCH_HEADER])


def batch_of_change(message):
    """Number of the transaction that a changelog record belongs to; None for a deletion, which does not say."""
    if message.key() == META_KEY:
        return decode_meta(message.value()).batch_number
    return None if message.value() is None else Envelope.unpack(message.value())[0]


def undone_transactions(partition_logs):
    """How many transactions of one partition number were undone.

    `partition_logs`: for changelog and outputs each (records written, committed or not; those of them committed; the
    function that tells a record's batch number). A transaction's records lie together, and a marker ends them.
    """
    most = Counter()
    for written, committed, batch_of in partition_logs:
        for number, count in _undone_runs(written, {message.offset() for message in committed}, batch_of).items():
            most[number] = max(most[number], count)
    return most.total()


def _undone_runs(written, committed, batch_of):
    """Batch number -> how often it was undone in this log."""
    undone = [message for message in written if message.offset() not in committed]
    starts = undone[:1] + [new for old, new in pairwise(undone) if new.offset() > old.offset() + 1]
    return Counter(map(batch_of, starts))
