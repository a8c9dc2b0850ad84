"""How many bytes a contact takes at rest.

    PYTHONPATH=tests python -m benchmarks.state_size

Every record of the changelog and every contact in memory costs these bytes, so they are a promise: at most 1 024 for a
typical contact in the mean, 6 144 for the busiest. The same touchpoints on every machine: bytes may be asserted, unlike times.
"""

from __future__ import annotations

import sys
from random import Random
from statistics import fmean, median
from typing import TYPE_CHECKING, Final

from benchmarks.workload import DAY_MS, DAYS, SIGN_UP, START_MS, draw_kind, touchpoint_json
from palier.contracts.contact_state import encode_state
from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.packs import load_pack

if TYPE_CHECKING:
    from collections.abc import Sequence

TYPICAL: Final = 50
BUSIEST: Final = 4_500  # 50 touchpoints a day, for 90 days
TYPICAL_LIMIT: Final = 1_024
BUSIEST_LIMIT: Final = 6_144
PACK: Final = load_pack(None)
END_MS: Final = START_MS + DAYS * DAY_MS


def state_bytes(touchpoints: int, contact: int) -> int:
    """Bytes of the state of one contact, who signs up, after so many touchpoints spread over 90 days."""
    chance, state = Random(contact), ContactState.new()
    moments = sorted(START_MS + int(chance.random() * DAYS * DAY_MS) for _ in range(touchpoints))
    for number, moment in enumerate(moments):
        kind = draw_kind(chance, contact) if number else SIGN_UP
        touchpoint = decode_line(touchpoint_json(chance, kind, "contact-0004711", moment), END_MS)
        assert not isinstance(touchpoint, Refusal), touchpoint
        fold(state, touchpoint, PACK)
    return len(encode_state(state))


def sizes(touchpoints: int, contacts: int) -> list[int]:
    """Sizes of that many contacts of all personas, ascending."""
    return sorted(state_bytes(touchpoints, contact) for contact in range(contacts))


def table(rows: Sequence[tuple[int, list[int]]]) -> str:
    """A row for each number of touchpoints."""
    lines = [
        "| touchpoints in 90 days | contacts | mean B | median B | p95 B | largest B |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for touchpoints, found in rows:
        p95 = found[len(found) * 95 // 100]
        lines.append(
            f"| {touchpoints} | {len(found)} | {fmean(found):.0f} | {median(found):.0f} | {p95} | {found[-1]} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    print(table([(touchpoints, sizes(touchpoints, 100)) for touchpoints in (1, 5, 20, TYPICAL, 200)]))
    print(table([(touchpoints, sizes(touchpoints, 10)) for touchpoints in (1_000, BUSIEST)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
