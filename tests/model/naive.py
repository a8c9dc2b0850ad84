"""The contract as plainly as Python allows: complete lists, nothing packed, nothing forgotten that could be recomputed.

Every step carries the number it has in the contract (SEMANTICS.md: "The fold, step by step"), so both can be read side by
side. Where the contract leaves a choice, the comment begins with "Reading:".

The model keeps every contribution since the contact began (or woke) and derives from them what the product stores in
compressed form: the ring of the latest 16, the five of greatest worth, the distinct types and days, the counters of the caps.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from model.tables import DAY, DEFAULT, MINUTE, Table, TierRow, TypeRow

NEVER = -math.inf
LATE_AFTER = 7 * DAY
RESET_SLACK = 5 * MINUTE
REMEMBERED_IDS = 128
RING = 16
REASONS = 5
STRONGEST = 5  # per axis, whose touchpoints are remembered for reasons

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))")


def milliseconds(occurred_at: str | int) -> int:
    """RFC 3339 text with an offset -> ms since the epoch; digits finer than 1 ms are cut off."""
    if isinstance(occurred_at, int):
        return occurred_at
    match = _RFC3339.fullmatch(occurred_at)
    assert match, occurred_at
    *date_and_time, fraction, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    whole = datetime(*map(int, date_and_time), tzinfo=UTC) - offset
    return round(whole.timestamp()) * 1000 + int((fraction or "").ljust(3, "0")[:3])


def day_of(t: int) -> int:
    """The UTC day, counted from the epoch."""
    return t // DAY


@dataclass(eq=False)
class Contribution:
    """One weight of one scored touchpoint on one axis."""

    axis: str
    weight: float
    t: int
    touchpoint: dict
    forgotten: bool = False
    """Nobody remembers any more whose it was: it is no reason."""
    counts_as: set[str] = field(default_factory=lambda: {"types", "days"})
    """What it is still counted as, distinctly."""


@dataclass
class Life:
    """What is known of a contact between its first touchpoint (or its waking) and its erasure."""

    as_of: int
    table: Table
    """The pack that evaluated `earned`."""
    scores: dict[str, float]
    reset_at: dict[str, float]
    contributions: list[Contribution] = field(default_factory=list)
    scored: list[tuple[str, int, str | None]] = field(default_factory=list)
    """Type, UTC day and object of every touchpoint that scored under a cap; the counters are counted from it."""
    remembered: list[tuple[str, str, int]] = field(default_factory=list)
    """(source, id, t) in order of arrival."""
    granted: list[tuple[str, int]] = field(default_factory=list)
    withdrawn: list[tuple[str, int]] = field(default_factory=list)
    """(channel, t) of every grant and withdrawal; a withdrawal's channel may be `*`."""
    earned: set[str] = field(default_factory=set)


@dataclass
class Contact:
    """What outlives an erasure, and the life, which does not (None: new, or erased)."""

    contact_id: str
    sequence: int = 0
    erased_at: float = NEVER
    life: Life | None = None
    since: int | None = None
    held: set[str] = field(default_factory=set)
    headline: str = "unengaged"
    """What the latest tier change said."""
    is_anybodys_guess: bool = False
    """Of things that happened in the same millisecond only some are remembered, and no order says which."""

    @property
    def is_erased(self) -> bool:
        return self.life is None and self.erased_at != NEVER


class NaiveModel:
    """Feed touchpoints in order of arrival; get outcome names and tier changes as plain dicts."""

    def __init__(self, table: Table = DEFAULT):
        self.table = table
        """The pack in force; a newer one may take its place at any time."""
        self.contacts: dict[str, Contact] = {}  # in order of first appearance

    # --- the fold -----------------------------------------------------------------------------------------------------

    def feed(self, touchpoint: dict) -> tuple[str, list[dict]]:
        """Fold one touchpoint (the JSON object as a dict, `occurred_at` as text or ms)."""
        t = milliseconds(touchpoint["occurred_at"])
        row = self.table.types.get(touchpoint["type"])
        known, rule = row is not None, row or TypeRow()
        bot = touchpoint.get("bot") is True
        contact = self.contacts.setdefault(touchpoint["contact_id"], Contact(touchpoint["contact_id"]))

        # 1. Duplicate: (source, id) is still remembered. Nothing changes, not even its place in the list.
        if contact.life and any(
            (source, id_) == (touchpoint["source"], touchpoint["id"]) for source, id_, _ in contact.life.remembered
        ):
            return "duplicate", []

        # 2. Erased: not newer than the erasure, of a woken contact too; or still erased and no human grant.
        if t <= contact.erased_at:
            return "erased", []
        human_grant = bool(rule.grants) and not bot
        if contact.is_erased and not human_grant:
            # What says once more "leave me alone" moves the erasure forward, a bot's too.
            if rule.erases or rule.withdraws:
                contact.erased_at = t
            return "erased", []

        # 3. A newer pack comes before everything, however old the touchpoint; then demotions due at or before t.
        changes = self._meet_pack(contact)
        if contact.life and t > contact.life.as_of:
            changes += self._expire(contact, t)

        # 4. Erasure: all that was held is lost at T, and only sequence and erased_at stay.
        # Reading: however late it comes, its outcome is noted, because the fold ends here, before step 7.
        if rule.erases:
            return "noted", changes + self._erase(contact, t, touchpoint)

        held_before = self._held(contact)
        gate_before = self._gate_is_open(contact)

        # 6, first half (a contact without a life needs one before consent can be kept).
        if contact.life is None:
            axes = self.table.half_lives
            contact.life = Life(
                as_of=t, table=self.table, scores=dict.fromkeys(axes, 0.0), reset_at=dict.fromkeys(axes, NEVER)
            )
        life = contact.life

        # 5. Consent. `@` is the touchpoint's channel. A bot's grants do not count, its withdrawals do.
        if not bot:
            life.granted += [(touchpoint["channel"] if c == "@" else c, t) for c in rule.grants]
        life.withdrawn += [(touchpoint["channel"] if c == "@" else c, t) for c in rule.withdraws]

        # 6. Clock, whatever kind of touchpoint it is; then the list of step 1.
        self._decay(life, max(life.as_of, t))
        late = t < life.as_of - LATE_AFTER
        if not late:
            life.remembered.append((touchpoint["source"], touchpoint["id"], t))
        life.remembered = [entry for entry in life.remembered if not entry[2] < life.as_of - LATE_AFTER]
        life.remembered = life.remembered[-REMEMBERED_IDS:]

        outcome = "unknown"
        if known:  # an unknown type passes 7 to 9 by
            # 7. Late, and 8. caps. "The outcome is the first that fits."
            if late:
                outcome = "late"
            elif not rule.weights or bot:
                outcome = "noted"
            elif self._is_capped(life, rule, touchpoint, t):
                outcome = "capped"
            else:
                outcome = "scored"
            # 9. Resets, late or capped or not, but never a bot's; then the contribution.
            if not bot:
                for axis in self.table.half_lives if rule.zero else rule.resets:
                    self._reset(contact, life, axis, t)
            if outcome == "scored":
                self._score(life, rule, touchpoint, t)

        # 10. Membership at as_of, by scores alone, behind a closed gate too.
        life.earned = {name for name, tier in self.table.tiers.items() if self._earns(life, name, tier)}

        # 11. Transition.
        held = self._held(contact)
        if held != held_before:
            lost_leave_axes = {axis for name in held_before - held for axis in self.table.tiers[name].leave}
            if gate_before != self._gate_is_open(contact):
                cause = "permission"
            elif lost_leave_axes & set(rule.resets):
                cause = "conversion"
            else:
                cause = "touchpoint"
            changes.append(self._change(contact, held_before, cause, touchpoint))
        return outcome, changes

    def expire_all(self, until: int) -> list[dict]:
        """Every demotion with t* <= until, contact by contact in order of first appearance (`--until`)."""
        return [change for contact_id in self.contacts for change in self.expire_contact(contact_id, until)]

    def expire_contact(self, contact_id: str, until: int) -> list[dict]:
        """The same for one contact, as a timer does."""
        return self._expire(self.contacts[contact_id], until)

    def next_demotion_at(self, contact_id: str) -> int | None:
        """The earliest t*; None if no earned tier can be lost by waiting.

        What a newer pack takes away for another reason than points is due at once.
        """
        contact = self.contacts[contact_id]
        if contact.life and contact.life.table is not self.table:
            closed = contact.held and not self._gate_is_open(contact)
            if closed or contact.held - self.table.tiers.keys():
                return contact.life.as_of
        due = self._next_demotion(contact.life)
        return due and due[0]

    # --- 3: a newer pack ----------------------------------------------------------------------------------------------

    def _meet_pack(self, contact: Contact) -> list[dict]:
        """As of the newest moment taken into account: what does she earn by this pack?"""
        life = contact.life
        if life is None or life.table is self.table:
            return []
        self._forget(contact, life)
        life.table = self.table
        life.scores = {axis: life.scores.get(axis, 0.0) for axis in self.table.half_lives}
        life.reset_at = {axis: life.reset_at.get(axis, NEVER) for axis in self.table.half_lives}
        earned_before = life.earned = life.earned & self.table.tiers.keys()
        life.earned = {name for name, tier in self.table.tiers.items() if self._earns(life, name, tier)}
        if self._held(contact) == contact.held and self._headline(contact.held)[1] == contact.headline:
            return []
        return [self._change(contact, contact.held, "pack", None, decided=earned_before ^ life.earned)]

    def _forget(self, contact: Contact, life: Life) -> None:
        """What the pack before this one did not ask for is not remembered."""
        old, new = life.table, self.table
        life.contributions = [c for c in life.contributions if c.axis in new.half_lives]
        for axis in old.half_lives.keys() & new.half_lives.keys():
            of_axis = [c for c in life.contributions if c.axis == axis and c.t > life.reset_at[axis]]
            named = [any(axis in row.resets for row in table.types.values()) for table in (old, new)]
            if old.half_lives[axis] != new.half_lives[axis] or not all(named):
                # The five of greatest worth, by the half-life they had.
                by_worth = self._by_worth(of_axis, life.as_of, old)
                for weaker in by_worth[STRONGEST:]:
                    weaker.forgotten = True
                contact.is_anybodys_guess |= self._is_tie(by_worth)
            for kind in ("types", "days"):
                wanted, wanted_now = (self._wanted(table, axis, kind) for table in (old, new))
                if wanted < wanted_now:
                    self._forget_distinct(contact, of_axis, kind, wanted)

    @staticmethod
    def _wanted(table: Table, axis: str, kind: str) -> int:
        """How many the most demanding tier counts."""
        asking = [tier.distinct for tier in table.tiers.values() if tier.distinct]
        return max((test.at_least for test in asking if (test.axis, test.of) == (axis, kind)), default=0)

    def _forget_distinct(self, contact: Contact, of_axis: list[Contribution], kind: str, wanted: int) -> None:
        """The newest few remain, as many as the pack before this one wanted."""
        newest: dict[object, int] = {}
        for c in of_axis:
            if c.weight > 0 and kind in c.counts_as:
                name = self._kind(c, kind)
                newest[name] = max(newest.get(name, c.t), c.t)
        in_order = sorted(newest, key=lambda name: newest[name], reverse=True)
        edge = [newest[name] for name in in_order[wanted - 1 : wanted + 1]] if wanted else []
        contact.is_anybodys_guess |= len(edge) > len(set(edge))
        for c in of_axis:
            if self._kind(c, kind) not in in_order[:wanted]:
                c.counts_as.discard(kind)

    @staticmethod
    def _kind(contribution: Contribution, kind: str) -> object:
        """Its type, or its UTC day."""
        return contribution.touchpoint["type"] if kind == "types" else day_of(contribution.t)

    @staticmethod
    def _is_tie(by_worth: list[Contribution]) -> bool:
        """Between the last that is remembered and the first that is not."""
        edge = [(abs(c.weight), c.t) for c in by_worth[STRONGEST - 1 : STRONGEST + 1]]
        return len(edge) > len(set(edge))

    @staticmethod
    def _by_worth(contributions: list[Contribution], at: int, table: Table) -> list[Contribution]:
        """Those that are remembered, greatest first."""

        def worth(c: Contribution) -> float:
            return abs(c.weight) * 2.0 ** (-(at - c.t) / table.half_lives[c.axis])

        remembered = [c for c in contributions if not c.forgotten]
        return sorted(remembered, key=lambda c: (worth(c), c.t), reverse=True)

    # --- 3: demotion needs no event -----------------------------------------------------------------------------------

    def _expire(self, contact: Contact, until: int) -> list[dict]:
        first = self.next_demotion_at(contact.contact_id)
        if first is None or first > until:
            return []  # nor does she meet a newer pack
        changes = self._meet_pack(contact)
        while due := self._next_demotion(contact.life):
            t_star, tiers = due
            if t_star > until:
                break
            held_before = self._held(contact)
            self._decay(contact.life, t_star)
            contact.life.earned -= tiers  # by decree, the scores are not asked again
            if self._held(contact) != held_before:
                changes.append(self._change(contact, held_before, "inactivity", None))
        return changes

    def _next_demotion(self, life: Life | None) -> tuple[int, set[str]] | None:
        """The earliest t* and the tiers lost at it."""
        if life is None:
            return None
        due: dict[str, int] = {}
        for name in life.earned & self.table.tiers.keys():
            for axis, leave in self.table.tiers[name].leave.items():
                score = life.scores.get(axis, 0.0)
                if score <= leave:  # rounding
                    t_star = life.as_of
                else:
                    t_star = life.as_of + math.ceil(self.table.half_lives[axis] * math.log2(score / leave))
                due[name] = min(due.get(name, t_star), t_star)
        if not due:
            return None
        earliest = min(due.values())
        return earliest, {name for name, t_star in due.items() if t_star == earliest}

    # --- 4: erasure ---------------------------------------------------------------------------------------------------

    def _erase(self, contact: Contact, t: int, touchpoint: dict) -> list[dict]:
        held_before = self._held(contact)
        at = max(t, contact.life.as_of) if contact.life else t
        contact.erased_at = at
        contact.life = None
        if not held_before:
            return []
        change = self._headline_change(contact, held_before, set(), at, "erasure", touchpoint)
        return [change | {"held": [], "channels": [], "scores": {}, "thresholds": {}, "reasons": [], "reason_pool": []}]

    # --- 5: consent and the gate --------------------------------------------------------------------------------------

    def _channels(self, contact: Contact) -> list[str]:
        """A channel is granted if its newest grant is newer than every withdrawal of it or of `*` (a tie: withdrawn)."""
        if contact.life is None:
            return []
        life = contact.life
        return sorted(
            channel
            for channel in {channel for channel, _ in life.granted}
            if max(t for c, t in life.granted if c == channel)
            > max((t for c, t in life.withdrawn if c in (channel, "*")), default=NEVER)
        )

    def _gate_is_open(self, contact: Contact) -> bool:
        return any(channel in self.table.permission_channels for channel in self._channels(contact))

    def _held(self, contact: Contact) -> set[str]:
        return set(contact.life.earned) if contact.life and self._gate_is_open(contact) else set()

    # --- 6 to 9: scores -----------------------------------------------------------------------------------------------

    def _worth(self, contribution: Contribution, at: int) -> float:
        half_life = self.table.half_lives[contribution.axis]
        return contribution.weight * 2.0 ** (-(at - contribution.t) / half_life)

    def _decay(self, life: Life, at: int) -> None:
        for axis, half_life in self.table.half_lives.items():
            life.scores[axis] *= 2.0 ** (-(at - life.as_of) / half_life)
        life.as_of = at

    def _is_capped(self, life: Life, rule: TypeRow, touchpoint: dict, t: int) -> bool:
        """Counted over every touchpoint of this type that has scored, void by a reset or not."""
        same_day = [entry for entry in life.scored if entry[0] == touchpoint["type"] and entry[1] == day_of(t)]
        if rule.per_day is not None and len(same_day) >= rule.per_day:
            return True
        object_id = touchpoint.get("object_id")
        if rule.per_object is None or object_id is None:
            return False
        return len([entry for entry in same_day if entry[2] == object_id]) >= rule.per_object

    def _reset(self, contact: Contact, life: Life, axis: str, t: int) -> None:
        reset_at = t + RESET_SLACK
        if reset_at <= life.reset_at[axis]:
            return
        of_axis = [c for c in life.contributions if c.axis == axis]
        counting = [c for c in of_axis if c.t > life.reset_at[axis]]
        by_worth = self._by_worth(counting, life.as_of, self.table)
        for fallen_out in of_axis[:-RING]:
            fallen_out.forgotten = True
        for weaker in by_worth[STRONGEST:]:
            if not self._is_fulfillable(axis) or weaker.t <= life.as_of - LATE_AFTER:
                # Nobody remembers which touchpoint it was: it counts on, and is no reason any more.
                weaker.forgotten = True
                contact.is_anybodys_guess |= self._is_tie(by_worth)
        life.reset_at[axis] = reset_at
        left = sum(self._worth(c, life.as_of) for c in of_axis[-RING:] if c.t > reset_at)
        life.scores[axis] = min(life.scores[axis], max(0.0, left))

    def _is_fulfillable(self, axis: str) -> bool:
        """Whether some rule resets the axis by name."""
        return any(axis in rule.resets for rule in self.table.types.values())

    def _score(self, life: Life, rule: TypeRow, touchpoint: dict, t: int) -> None:
        if rule.per_day is not None or rule.per_object is not None:
            object_id = None if rule.per_object is None else touchpoint.get("object_id")
            life.scored.append((touchpoint["type"], day_of(t), object_id))
        rating = touchpoint.get("rating")
        is_critical = rule.critical is not None and rating is not None and rating < rule.critical_below
        for axis, weight in (rule.critical if is_critical else rule.weights).items():
            contribution = Contribution(axis, weight, t, touchpoint)
            life.contributions.append(contribution)  # void or not, it has its place in the ring
            if t > life.reset_at[axis]:
                life.scores[axis] = max(0.0, life.scores[axis] + self._worth(contribution, life.as_of))

    # --- 10: membership -----------------------------------------------------------------------------------------------

    def _earns(self, life: Life, name: str, tier: TierRow) -> bool:
        if name in life.earned:
            return all(life.scores[axis] > leave for axis, leave in tier.leave.items())
        return all(life.scores[axis] >= enter for axis, enter in tier.enter.items()) and self._is_distinct(life, tier)

    def _is_distinct(self, life: Life, tier: TierRow) -> bool:
        """Types or days with a positive contribution, not void, strictly newer than as_of - window.

        The newest t of a type (or day) is strictly newer than the edge exactly when any of its contributions is.
        """
        if tier.distinct is None:
            return True
        edge = max(life.as_of - tier.distinct.window_ms, life.reset_at[tier.distinct.axis])
        counting = [c for c in life.contributions if c.axis == tier.distinct.axis and c.weight > 0 and c.t > edge]
        kinds = {self._kind(c, tier.distinct.of) for c in counting if tier.distinct.of in c.counts_as}
        return len(kinds) >= tier.distinct.at_least

    # --- 11: the tier change ------------------------------------------------------------------------------------------

    def _headline(self, held: set[str]) -> tuple[int, str]:
        """(rank, name) of the highest-ranked tier held; `unengaged`, rank 0, if none."""
        ranked = list(enumerate(self.table.tiers, start=1))
        return max((entry for entry in ranked if entry[1] in held), default=(0, "unengaged"))

    def _headline_change(
        self, contact: Contact, before: set[str], after: set[str], at: int, cause: str, touchpoint: dict | None
    ) -> dict:
        contact.sequence += 1
        from_, (rank_after, to) = contact.headline, self._headline(after)
        # A tier that a newer pack does not have stands between `unengaged` and all others.
        rank_before = {"unengaged": 0, **{name: rank for rank, name in enumerate(self.table.tiers, 1)}}.get(from_, 0.5)
        if from_ != to:
            contact.since = at
        contact.held, contact.headline = set(after), to
        return {
            "contact_id": contact.contact_id,
            "sequence": contact.sequence,
            "from": from_,
            "to": to,
            "direction": "lateral" if rank_before == rank_after else "up" if rank_after > rank_before else "down",
            "gained": sorted(after - before),
            "lost": sorted(before - after),
            "occurred_at": at,
            "cause": cause,
            "touchpoint_id": touchpoint and touchpoint["id"],
            "touchpoint_source": touchpoint and touchpoint["source"],
            "since": contact.since,
        }

    def _change(
        self,
        contact: Contact,
        held_before: set[str],
        cause: str,
        touchpoint: dict | None,
        decided: set[str] | None = None,
    ) -> dict:
        """`decided`: tiers that points have decided about, if not about all that were gained or lost."""
        life, held = contact.life, self._held(contact)
        change = self._headline_change(contact, held_before, held, life.as_of, cause, touchpoint)
        tiers = self.table.tiers
        moved = (held ^ held_before) & tiers.keys()
        told = moved if decided is None else moved & decided
        enter = {name: dict(tiers[name].enter) for name in told & held}
        leave = {name: dict(tiers[name].leave) for name in told - held}
        pool = self._reason_pool(life, {axis for name in moved for axis in tiers[name].enter})
        return change | {
            "held": sorted(held),
            "channels": self._channels(contact),
            "scores": dict(life.scores),
            "thresholds": {} if cause == "permission" else enter | leave,
            "reasons": pool[:REASONS],
            "reason_pool": pool,
        }

    def _reason_pool(self, life: Life, axes: set[str]) -> list[dict]:
        """Every contribution that may be a reason, best first; the change names the first five.

        Reading: the five of greatest worth per axis are kept "for reasons", so a great contribution stays a reason when 16
        others have come after it, until a reset forgets it. Worth is absolute. Among equals of the same time the
        contract has no order; the comparison accepts any.
        """
        alive = [c for c in life.contributions if c.axis in axes and c.t > life.reset_at[c.axis] and not c.forgotten]
        alive.sort(key=lambda c: (abs(self._worth(c, life.as_of)), c.t), reverse=True)
        return [
            {
                "touchpoint_id": c.touchpoint["id"],
                "source": c.touchpoint["source"],
                "type": c.touchpoint["type"],
                "channel": c.touchpoint["channel"],
                "object_id": c.touchpoint.get("object_id"),
                "campaign_id": c.touchpoint.get("campaign_id"),
                "axis": c.axis,
                "weight": c.weight,
                "worth": self._worth(c, life.as_of),
                "occurred_at": c.t,
            }
            for c in alive
        ]
