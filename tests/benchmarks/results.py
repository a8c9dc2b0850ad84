"""What is measured of a candidate in one round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSizes:
    """Bytes of encoded state per contact."""

    contacts: int
    mean: float
    median: int
    p99: int
    largest: int

    @classmethod
    def of(cls, sizes: Collection[int]) -> StateSizes | None:
        """None without contacts."""
        if not sizes:
            return None
        ordered = sorted(sizes)
        return cls(
            contacts=len(ordered),
            mean=statistics.fmean(ordered),
            median=ordered[len(ordered) // 2],
            p99=ordered[len(ordered) * 99 // 100],
            largest=ordered[-1],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One candidate in one round. None: the candidate has no such thing.

    `touchpoints`: all it processed. `per_second` and `cpu_us` leave the warm-up out. Bytes are those of keys and values,
    before compression; `changelog_disk_bytes` as they lie on the broker's disk.
    """

    candidate: str
    round: int
    touchpoints: int
    per_second: float
    cpu_us: float
    peak_bytes: int
    state: StateSizes | None = None
    changelog_records: int | None = None
    changelog_bytes: int | None = None
    changelog_disk_bytes: int | None = None
    outputs: int | None = None
    output_bytes: int | None = None
    transactions: int | None = None
    outcomes: dict[str, int] | None = None
    faults: tuple[str, ...] = ()
