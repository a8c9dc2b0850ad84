"""What became of a partition's last transaction, as its logs tell: by what lies there, since markers may be missing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from palier.contracts.records import BATCH_HEADER
from palier.engine.meta import META_KEY, Meta, decode_meta
from palier.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Fate(StrEnum):
    """Of what a transaction wrote to an output."""

    COMMITTED = "committed"
    UNDONE = "undone"
    GONE = "gone"  # undone, and cleaning took it


class Whole(NamedTuple):
    """A transaction's part of the changelog."""

    meta: Meta
    states: list[Any]  # records


def last_whole(records: Iterable[Any]) -> Whole | None:
    """The last transaction in uncommitted changelog records that is there from its first state to its META.

    Its records lie one behind the other, and its end put a marker behind them: a run of offsets without a gap. One that
    was written again for the sake of its outputs alone has no states.
    """
    found = None
    for run in _runs(records):
        meta = _meta_of(run[-1])
        if meta is not None and (len(run) - 1 == meta.records.get("changelog", 0) or (meta.attempt and len(run) == 1)):
            found = Whole(meta, run[:-1])
    return found


def belong_to(records: Sequence[Any], batch_number: int, count: int) -> bool:
    """These are all records that a transaction wrote to an output."""
    return len(records) == count and all(batch_number_of(record) == batch_number for record in records)


def batch_number_of(record: Any) -> int | None:
    """Number of the transaction that an output record belongs to; None: it does not say."""
    number = dict(record.headers).get(BATCH_HEADER)
    return int(number) if number is not None and number.isdigit() else None


def _runs(records: Iterable[Any]) -> Iterator[list[Any]]:
    run: list[Any] = []
    for record in records:
        if run and record.offset != run[-1].offset + 1:
            yield run
            run = []
        run.append(record)
    if run:
        yield run


def _meta_of(record: Any) -> Meta | None:
    if record.key != META_KEY or record.value is None:
        return None
    try:
        return decode_meta(record.value)
    except DataError:
        return None  # no transaction of ours ends like that
