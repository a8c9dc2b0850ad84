"""What `benchmarks.timers` needs: contacts who lose a tier in one and the same minute, and touchpoints of others around it.

Times are those of the events; the touchpoints carry them as Kafka timestamps too, so that the clock of a worker with
PALIER_CLOCK=event goes through that minute as it reads them.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import count, cycle
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.moving import Resting, lived, resting
from benchmarks.workload import DAY_MS, DAYS, START_MS, Arrival, draw_kind, touchpoint_json
from palier.domain.demotion import expire, next_demotion_at
from palier.packs import load_pack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.domain.outcome import TierChange
    from palier.domain.state import ContactState

MINUTE_MS: Final = 60_000
FROM_MS: Final = START_MS + (DAYS - 2) * DAY_MS  # the minute in which they fall due
UNTIL_MS: Final = FROM_MS + MINUTE_MS
DISTINCT: Final = 1_200  # states folded; further contacts share them
TOUCHPOINTS: Final = 50
HISTORY_MS: Final = 30 * DAY_MS
OTHERS: Final = 20_000  # contacts whose touchpoints keep coming
PACK: Final = load_pack(None)

BEFORE, DURING = 0.25, 0.1
"""Share of the touchpoints that comes before the minute, and during it."""


class Silent(NamedTuple):
    """A contact who has fallen silent: how it rests, and how many tier changes the minute will bring it."""

    resting: Resting
    sequence: int
    changes: int


def silent_contacts(distinct: int, seed: int) -> list[Silent]:
    """Contacts with 50 touchpoints within a month, each losing a tier at a moment of its own within the minute."""
    found: list[Silent] = []
    for number in count():
        if len(found) == distinct:
            return found
        due_ms = FROM_MS + MINUTE_MS * len(found) // distinct
        state, last = _falling_due(Random(f"{seed} {number}"), number, due_ms)
        due_at = next_demotion_at(state, PACK)
        if last is None or not state.held or due_at is None or not FROM_MS <= due_at < UNTIL_MS:
            continue  # without consent, or a day more or less of distance changed which caps were reached
        later = deepcopy(state)
        changes = expire(later, f"contact-{number}", UNTIL_MS, PACK)
        found.append(Silent(resting(state, last, FROM_MS), state.sequence, len(changes)))
    raise AssertionError("count() has no end")


def _falling_due(chance: Random, number: int, due_ms: int) -> tuple[ContactState, TierChange | None]:
    """A life moved in time so that its end is near `due_ms`, and its last tier change."""
    offsets = sorted(int(chance.random() * HISTORY_MS) for _ in range(TOUCHPOINTS))
    seed, start_ms = chance.getrandbits(64), START_MS
    for _ in range(2):  # measured, then moved
        state, last = lived([start_ms + offset for offset in offsets], Random(seed), number, UNTIL_MS)
        due_at = next_demotion_at(state, PACK)
        if due_at is None or not START_MS <= start_ms + due_ms - due_at <= FROM_MS - HISTORY_MS:
            break
        start_ms += due_ms - due_at
    return state, last


def copies(silent: list[Silent], contacts: int) -> Iterator[tuple[str, Silent]]:
    """So many contacts by their ids."""
    for number, one in zip(range(contacts), cycle(silent), strict=False):
        yield f"contact-{number:09}", one


def moments(touchpoints: int) -> Iterator[int]:
    """When they happen: some before the minute, some during it, the rest a second after it."""
    first, last = int(touchpoints * BEFORE), int(touchpoints * (BEFORE + DURING))
    for number in range(touchpoints):
        if number < first:
            yield FROM_MS - MINUTE_MS + MINUTE_MS * number // first
        else:
            yield min(FROM_MS + MINUTE_MS * (number - first) // (last - first), UNTIL_MS + 1_000)


def traffic(touchpoints: int, seed: int) -> Iterator[Arrival]:
    """Touchpoints of other contacts at those moments."""
    chance = Random(seed)
    for moment in moments(touchpoints):
        contact = chance.randrange(OTHERS)
        contact_id = f"other-{contact:06}"
        yield Arrival(contact_id.encode(), touchpoint_json(chance, draw_kind(chance, contact), contact_id, moment))
