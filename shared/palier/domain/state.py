"""Everything remembered of one contact, in the shape it rests in.

A contact rests encoded, and is decoded and encoded once for each checkpoint that touches it. So its fields are what an
encoder takes in one call: numbers, bytes, lists and dicts of these, never an object of ours. The modules beside this
one own one field or two each and give them their meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from palier.domain.limits import NEVER
from palier.domain.words import WordRef, spell

if TYPE_CHECKING:
    from palier.domain.compiled import CompiledPack


class ContactState:
    """The state of one contact. Made by `new()` or by a decoder; changed only by the fold."""

    __slots__ = (
        "as_of",
        "caps",
        "consents",
        "distinct",
        "earned",
        "erased_at",
        "headline",
        "held",
        "layout",
        "remembered",
        "remembered_from",
        "reset_at",
        "retired",
        "rings",
        "scores",
        "sequence",
        "since",
        "strongest",
        "withdrawn_all",
        "words",
    )

    sequence: int
    """Number of the latest tier change; 0 before the first."""
    erased_at: int
    """Newest erasure, kept for good; NEVER without one."""
    layout: WordRef
    """What the positions below mean (compiled.py); empty before the first touchpoint."""
    as_of: int
    """Newest moment taken into account; NEVER for a new contact and for a stub."""
    scores: list[float]
    """Per axis, at `as_of`."""
    reset_at: list[int]
    """Per axis: what was gained at or before counts no more."""
    earned: int
    """Tiers earned by scores, as a set of bits by rank."""
    held: int
    """Tiers held according to the latest tier change."""
    headline: WordRef
    """Headline according to the latest tier change."""
    since: int
    """When that headline began."""
    retired: list[str]
    """Tiers held when a newer pack dropped them; the next change tells their loss."""
    consents: dict[WordRef, int]
    """Per channel, time and verdict of its newest consent (consent.py)."""
    withdrawn_all: int
    """Newest withdrawal of every channel."""
    remembered: bytes
    """Ids seen lately (remembered.py)."""
    remembered_from: int
    """Ids from before are forgotten: `as_of` less the lateness limit when the latest touchpoint came past the clock."""
    caps: dict[int, dict[WordRef, int | bytes]]
    """Per UTC day and type, what has scored (caps.py)."""
    distinct: list[dict[WordRef, int]]
    """Per slot of the pack, newest time by type or day (distinct.py)."""
    rings: list[bytes]
    """Per axis, its latest contributions (contributions.py)."""
    strongest: list[list[bytes]]
    """Per axis, its contributions of greatest worth with their evidence (contributions.py)."""
    words: list[str]
    """Words the evidence points to (evidence.py)."""

    @classmethod
    def new(cls) -> ContactState:
        """A contact nobody has heard of."""
        state = cls()
        state.sequence = 0
        state.erased_at = NEVER
        state.forget_everything()
        return state

    @property
    def is_erased(self) -> bool:
        """A stub: nothing is left but the sequence and the time of the erasure."""
        return self.as_of == NEVER and self.erased_at != NEVER

    def forget_everything(self) -> None:
        """Becomes a stub, or new: all but `sequence` and `erased_at` is gone."""
        self.layout = 0
        self.as_of = self.since = self.withdrawn_all = self.remembered_from = NEVER
        self.scores, self.reset_at, self.distinct = [], [], []
        self.earned = self.held = 0
        self.headline = UNENGAGED_REF
        self.retired, self.rings, self.strongest, self.words = [], [], [], []
        self.consents, self.caps = {}, {}
        self.remembered = b""

    def to_fields(self) -> tuple[Any, ...]:
        """The fields in the order of `FIELDS`; of a stub the first two only. Shares the lists with the state."""
        if self.as_of == NEVER:
            return (self.sequence, self.erased_at)
        return _values(self)

    @classmethod
    def from_fields(cls, fields: list[Any]) -> ContactState:
        """The state that `to_fields` gave; takes the lists over.

        Raises:
            ValueError: the number of fields is not one that `to_fields` gives.
        """
        if len(fields) == 2:
            state = cls.new()
            state.sequence, state.erased_at = fields
            return state
        state = cls()
        (
            state.sequence,
            state.erased_at,
            state.layout,
            state.as_of,
            state.scores,
            state.reset_at,
            state.earned,
            state.held,
            state.headline,
            state.since,
            state.retired,
            state.consents,
            state.withdrawn_all,
            state.remembered,
            state.remembered_from,
            state.caps,
            state.distinct,
            state.rings,
            state.strongest,
            state.words,
        ) = fields
        return state


UNENGAGED_REF: Final[int] = 2


def _values(state: ContactState) -> tuple[Any, ...]:
    return (
        state.sequence,
        state.erased_at,
        state.layout,
        state.as_of,
        state.scores,
        state.reset_at,
        state.earned,
        state.held,
        state.headline,
        state.since,
        state.retired,
        state.consents,
        state.withdrawn_all,
        state.remembered,
        state.remembered_from,
        state.caps,
        state.distinct,
        state.rings,
        state.strongest,
        state.words,
    )


def arrange(state: ContactState, pack: CompiledPack) -> None:
    """Puts the state's positions in the order of `pack`: a new contact's first touchpoint, or a pack of other names.

    What the new pack has under the same name is kept; a new axis starts at 0; an axis it dropped is forgotten; a tier
    it dropped is no longer held, which the next change tells.
    """
    old = spell(state.layout)
    old_axes, old_tiers, old_slots = ([name for name in part.split(",") if name] for part in (old or "//").split("/"))
    came_from = [old_axes.index(name) if name in old_axes else None for name in pack.axes]
    state.scores = [0.0 if place is None else state.scores[place] for place in came_from]
    state.reset_at = [NEVER if place is None else state.reset_at[place] for place in came_from]
    state.rings = [b"" if place is None else state.rings[place] for place in came_from]
    state.strongest = [[] if place is None else state.strongest[place] for place in came_from]
    distinct = {name.rpartition(":")[0]: noted for name, noted in zip(old_slots, state.distinct, strict=True)}
    state.distinct = [
        dict(sorted(distinct.get(f"{pack.axes[slot.axis]}:{slot.of}", {}).items(), key=lambda at: -at[1])[: slot.most])
        for slot in pack.slots
    ]
    ranks = {tier.name: tier.bit for tier in pack.tiers}
    earned = [name for rank, name in enumerate(old_tiers) if state.earned >> rank & 1]
    held = [name for rank, name in enumerate(old_tiers) if state.held >> rank & 1]
    state.retired = sorted({*state.retired, *held} - ranks.keys())
    state.earned = sum(ranks.get(name, 0) for name in earned)
    state.held = sum(ranks.get(name, 0) for name in held)
    state.layout = pack.layout
