"""Everything remembered of one contact, in the shape it rests in.

A contact rests encoded, and is decoded and encoded once for each checkpoint that touches it. So its fields are what an
encoder takes in one call: numbers, bytes, lists and dicts of these, never an object of ours. The modules beside this
one own one field or two each and give them their meaning.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from palier.domain.limits import NEVER
from palier.domain.pack import UNENGAGED
from palier.domain.words import WordRef, shorten

FIELDS: Final = (
    "sequence",
    "erased_at",
    "layout",
    "as_of",
    "ahead",
    "scores",
    "reset_at",
    "earned",
    "held",
    "headline",
    "since",
    "retired",
    "consents",
    "withdrawn_all",
    "remembered",
    "caps",
    "distinct",
    "era",
    "times",
    "codes",
    "evidence",
    "free",
    "rings",
    "strongest",
    "weightings",
    "words",
    "pack_version",
    "marks",
    "entered",
    "messages",
    "zone",
    "hours",
    "reach",
    "value",
    "points",
    "badges",
    "objection",
    "profiled",
)
"""The fields of a state in the order they are encoded in. An encoded state has no names: a change here is a new state
version (`palier.contracts.contact_state`)."""

NO_PACK: Final = -1
"""Stands for the version of a pack where there is none to tell."""


class ContactState:
    """The state of one contact. Made by `new()` or by a decoder; changed only by the fold."""

    __slots__ = (*FIELDS, "placement")

    sequence: int
    """Number of the latest tier change; 0 before the first."""
    erased_at: int
    """Newest erasure, kept for good; NEVER without one."""
    layout: WordRef
    """What the positions below mean (compiled.py); empty before the first touchpoint."""
    as_of: int
    """Newest moment taken into account; NEVER for a new contact and for a stub."""
    ahead: int
    """How far demotions have moved `as_of` past the newest touchpoint."""
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
    """Tiers held when a newer pack dropped them; renewal.py tells their loss."""
    consents: dict[WordRef, int]
    """Per channel, time and verdict of its newest consent (consent.py)."""
    withdrawn_all: int
    """Newest withdrawal of every channel."""
    remembered: bytes
    """Ids seen lately (remembered.py)."""
    caps: dict[int, dict[WordRef, bytes]]
    """Per UTC day and type, what has scored (caps.py)."""
    distinct: list[dict[WordRef, int]]
    """Per slot of the pack, newest time by type or day (distinct.py)."""
    era: int
    """Where `times` begin to count."""
    times: bytes
    """Per slot, when a remembered contribution occurred (contributions.py)."""
    codes: bytes
    """Per slot, its weighting (weightings.py)."""
    evidence: dict[int, bytes]
    """Per slot that may be a reason, which touchpoint it was (evidence.py)."""
    free: bytes
    """Slots to be filled again."""
    rings: list[bytes]
    """Per axis, the slots of its latest contributions by arrival."""
    strongest: list[bytes]
    """Per axis, the slots of its strongest contributions (strongest.py)."""
    weightings: list[str]
    """Weightings the codes from 128 on point to."""
    words: list[str]
    """Words the evidence points to (evidence.py)."""
    pack_version: int
    """Version of the pack that last evaluated `earned` and `held`; NO_PACK if it is not known, or none has."""
    marks: bytes
    """Per slot, the mark of its touchpoint (remembered.py)."""
    entered: list[int]
    """Per earned tier, ascending by rank, `as_of` when it was entered; NEVER if that is not known (tiers.py)."""
    messages: dict[int, bytes]
    """The latest messages, and who opened and clicked them (messages.py)."""
    zone: WordRef
    """Time zone. This field and those below are reserved: no release fills them yet, and each carries them along."""
    hours: dict[WordRef, bytes]
    reach: dict[WordRef, int]
    value: list[Any]
    points: int
    badges: dict[WordRef, Any]
    objection: int
    profiled: int
    placement: int | None
    """Of a stub: where it belongs, now that its contact's id is gone; a number of whoever keeps it, None if not told.
    The fold neither reads nor writes it."""

    @classmethod
    def new(cls) -> ContactState:
        """A contact nobody has heard of."""
        state = cls()
        state.sequence = 0
        state.erased_at = NEVER
        state.placement = None
        state.forget_everything()
        return state

    @property
    def is_erased(self) -> bool:
        """A stub: nothing is left but the sequence and the time of the erasure."""
        return self.as_of == NEVER and self.erased_at != NEVER

    def forget_everything(self) -> None:
        """Becomes a stub, or new: all but `sequence` and `erased_at` is gone."""
        self.layout = 0
        self.as_of = self.since = self.withdrawn_all = NEVER
        self.ahead = self.earned = self.held = self.era = 0
        self.pack_version = NO_PACK
        self.headline = UNENGAGED_REF
        self.scores, self.reset_at, self.distinct, self.rings, self.strongest = [], [], [], [], []
        self.retired, self.weightings, self.words, self.entered, self.value = [], [], [], [], []
        self.consents, self.caps, self.evidence, self.messages = {}, {}, {}, {}
        self.hours, self.reach, self.badges = {}, {}, {}
        self.remembered = self.times = self.codes = self.free = self.marks = b""
        self.zone = self.points = self.profiled = 0
        self.objection = NEVER

    def to_fields(self) -> tuple[Any, ...]:
        """The fields in the order of `FIELDS`; of a stub the first two only, and its placement. Shares the lists."""
        if self.as_of == NEVER:
            stub = (self.sequence, self.erased_at)
            return stub if self.placement is None else (*stub, self.placement)
        fields: tuple[Any, ...] = _in_order(self)
        return fields

    @classmethod
    def from_fields(cls, fields: list[Any]) -> ContactState:
        """The state that `to_fields` gave; takes the lists over.

        Raises:
            ValueError: the number of fields is not one that `to_fields` gives.
        """
        if len(fields) <= 3:
            state = cls.new()
            state.sequence, state.erased_at, *placement = fields
            state.placement = placement[0] if placement else None
            return state
        state = cls()
        state.placement = None
        (
            state.sequence,
            state.erased_at,
            state.layout,
            state.as_of,
            state.ahead,
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
            state.caps,
            state.distinct,
            state.era,
            state.times,
            state.codes,
            state.evidence,
            state.free,
            state.rings,
            state.strongest,
            state.weightings,
            state.words,
            state.pack_version,
            state.marks,
            state.entered,
            state.messages,
            state.zone,
            state.hours,
            state.reach,
            state.value,
            state.points,
            state.badges,
            state.objection,
            state.profiled,
        ) = fields
        return state


UNENGAGED_REF: Final = shorten(UNENGAGED)
_in_order: Final = attrgetter(*FIELDS)
