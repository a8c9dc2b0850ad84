"""The contract as plainly as Python allows: complete lists, nothing packed, nothing forgotten that could be recomputed.

Every step carries the number it has in the contract (SEMANTICS.md: "The fold, step by step"), so both can be read side by
side. Where the contract leaves a choice, the comment begins with "Reading:".

The model keeps every contribution since the contact began (or woke) and derives from them what the product stores in
compressed form: the five of greatest worth, the counters of the caps. What does not come back when a contribution is taken
back it keeps as the contract names it: the ring of the latest 16, the newest distinct types and days.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from model.tables import DAY, DEFAULT, HOUR, MINUTE, Burst, Table, TierRow, TrustRow, TypeRow
from model.zones import offset_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER = -math.inf
LATE_AFTER = 7 * DAY
RESET_SLACK = 5 * MINUTE
REMEMBERED_IDS = 128
RING = 16
REASONS = 5
STRONGEST = 5  # per axis, whose touchpoints are remembered for reasons
MESSAGES = 8
OPENS_AND_CLICKS = 6  # per message
CHANNELS = 8  # whose hours are remembered, and whose reach
MOST_DELIVERIES = 255
CURRENCIES = 8
YEAR = 365 * DAY
EVIDENCE = (
    "bot", "honeypot", "crawler", "convicted", "click-burst", "many-links", "too-soon", "head-request", "flood",
)  # fmt: skip
TOLD_IN_SHORT = {
    "held": [], "channels": [], "scores": {}, "thresholds": {}, "reasons": [], "reason_pool": [], "best_hour": None,
    "channel": None,
}  # fmt: skip
NO_TRUST = TrustRow(reversal_ms=0)  # the sender's flag is all there is
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
)
"""The user agents that declare themselves, of all that the model will ever see."""

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


def money(amount: Fraction, decimals: int) -> str:
    """Floored to so many decimals; no exponent, no zeros at the end."""
    units = math.floor(amount * 10**decimals)
    text = f"{abs(units):0{decimals + 1}}"
    text = f"{text[:-decimals]}.{text[-decimals:]}".rstrip("0").rstrip(".")
    return f"-{text}" if units < 0 else text


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
    arrival: int
    """The how manieth touchpoint of all it was: the same for all axes of one touchpoint, and for no other."""
    forgotten: bool = False
    """Nobody remembers any more whose it was: it is no reason."""


@dataclass(eq=False)
class OpenOrClick:
    """What a message remembers of one of its opens and clicks."""

    t: int
    is_click: bool
    link: str | None
    touchpoint: dict
    genuine: bool
    scored: bool
    hour: bool
    """It was a sample of when the contact is there."""


@dataclass(eq=False)
class Message:
    """Everything that has ever been heard of one message, in order of arrival."""

    object_id: str
    delivered: list[int] = field(default_factory=list)
    convicted: list[int] = field(default_factory=list)
    opens_and_clicks: list[OpenOrClick] = field(default_factory=list)
    engaged: bool = False

    def delivered_at(self) -> float:
        return max(self.delivered, default=NEVER)

    def convicted_at(self) -> float:
        return self.convicted[-1] if self.convicted else NEVER

    def remembered(self) -> list[OpenOrClick]:
        return self.opens_and_clicks[-OPENS_AND_CLICKS:]

    def newest(self) -> float:
        return max(self.delivered_at(), self.convicted_at(), *(entry.t for entry in self.remembered()))


@dataclass
class Told:
    """What the outcome of one touchpoint says beside its name and its changes."""

    verdict: str = "human"
    evidence: list[str] = field(default_factory=list)
    taken_back: int = 0
    not_reversible: int = 0
    bot_withdrawal: bool = False
    badges: list[dict] = field(default_factory=list)


@dataclass
class Spent:
    """All that was ordered and refunded in one currency."""

    orders: int = 0
    revenue: Fraction = Fraction(0)
    refunds: int = 0
    refunded: Fraction = Fraction(0)


@dataclass
class Life:
    """What is known of a contact between its first touchpoint (or its waking) and its erasure."""

    as_of: int
    table: Table
    """The pack that evaluated `earned`."""
    scores: dict[str, float]
    reset_at: dict[str, float]
    contributions: list[Contribution] = field(default_factory=list)
    rings: dict[str, list[Contribution]] = field(default_factory=dict)
    """Per axis, the latest 16 that entered, less what was taken back."""
    noted: dict[tuple[str, str], dict[object, int]] = field(default_factory=dict)
    """Per axis and kind (`types`, `days`), the newest t of as many of them as the most demanding tier counts."""
    ties: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    """Moments at which one of several types was displaced, and no order says which."""
    reasons_are_anybodys_guess: bool = False
    """Of contributions of the same worth and time only some are remembered, and no order says which."""
    scored: list[tuple[str, int, str | None, int]] = field(default_factory=list)
    """Type, UTC day, object and arrival of every touchpoint that scored under a cap; the counters are counted from it."""
    remembered: list[tuple[str, str, int]] = field(default_factory=list)
    """(source, id, t) in order of arrival."""
    granted: list[tuple[str, int]] = field(default_factory=list)
    withdrawn: list[tuple[str, int]] = field(default_factory=list)
    """(channel, t) of every grant and withdrawal; a withdrawal's channel may be `*`."""
    earned: set[str] = field(default_factory=set)
    entered_at: dict[str, int] = field(default_factory=dict)
    """Per earned tier, `as_of` when it was entered."""
    messages: list[Message] = field(default_factory=list)
    """In the order in which they joined."""
    zone: str | None = None
    bins: dict[str, list[int]] = field(default_factory=dict)
    """Per channel, how often she was there in each of the 24 hours."""
    last_hour: dict[str, int] = field(default_factory=dict)
    """Per channel, the UTC hour last sampled."""
    delivered: dict[str, int] = field(default_factory=dict)
    engaged: dict[str, int] = field(default_factory=dict)
    """Per channel, how many messages."""
    orders: list[int] = field(default_factory=list)
    refunds: list[int] = field(default_factory=list)
    """When."""
    spent: dict[str, Spent] = field(default_factory=dict)
    """Per currency."""
    points: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    streaks: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Per badge not earned yet: how many; the last UTC day, and how many in a row."""
    badges: set[str] = field(default_factory=set)
    """Earned."""


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
        self.arrivals = 0
        self.told = Told()
        """What else the latest outcome says."""

    # --- the fold -----------------------------------------------------------------------------------------------------

    def feed(self, touchpoint: dict) -> tuple[str, list[dict]]:
        """Fold one touchpoint (the JSON object as a dict, `occurred_at` as text or ms)."""
        t = milliseconds(touchpoint["occurred_at"])
        row = self.table.types.get(touchpoint["type"])
        known, rule = row is not None, row or TypeRow()
        self.arrivals += 1
        told = self.told = Told()
        contact = self.contacts.setdefault(touchpoint["contact_id"], Contact(touchpoint["contact_id"]))

        # 1. Duplicate: (source, id) is still remembered. Nothing changes, not even its place in the list.
        if contact.life and any(
            (source, id_) == (touchpoint["source"], touchpoint["id"]) for source, id_, _ in contact.life.remembered
        ):
            return "duplicate", []

        # 2. Erased: not newer than the erasure, of a woken contact too; or still erased and no human grant.
        own = self._own_evidence(touchpoint)
        human_grant = bool(rule.grants) and not self._strong(own)
        if t <= contact.erased_at or (contact.is_erased and not human_grant):
            told.evidence, told.verdict = own, self._verdict(own)
            # What says once more "leave me alone" moves the erasure forward, a bot's too.
            if t > contact.erased_at and (rule.erases or rule.withdraws):
                contact.erased_at = t
                told.bot_withdrawal = bool(rule.withdraws) and told.verdict == "bot"
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

        # 5. The verdict. What is late is judged by evidence of its own.
        late = t < max(life.as_of, t) - LATE_AFTER
        message = None if late else self._message(life, rule, touchpoint)
        evidence = own if late else self._evidence(life, rule, message, touchpoint, t)
        told.evidence, told.verdict = evidence, self._verdict(evidence)
        bot, suspect = told.verdict == "bot", told.verdict == "suspect"

        # 5. Consent. `@` is the touchpoint's channel. A bot's grants do not count, its withdrawals do.
        told.bot_withdrawal = bot and bool(rule.withdraws)
        if not bot:
            life.granted += [(touchpoint["channel"] if c == "@" else c, t) for c in rule.grants]
        life.withdrawn += [(touchpoint["channel"] if c == "@" else c, t) for c in rule.withdraws]

        # 6. Clock, whatever kind of touchpoint it is; then the list of step 1.
        self._decay(life, max(life.as_of, t))
        if not late:
            life.remembered.append((touchpoint["source"], touchpoint["id"], t))
        life.remembered = [entry for entry in life.remembered if not entry[2] < life.as_of - LATE_AFTER]
        life.remembered = life.remembered[-REMEMBERED_IDS:]

        outcome, asked_again = "unknown", set()
        if known:  # an unknown type passes 7 to 9 by
            # 7. Late, and 8. caps. "The outcome is the first that fits."
            factor = round(self._source_factor(touchpoint) * (self._trust.suspect if suspect else 1), 4)
            if late:
                outcome = "late"
            elif not rule.weights or bot or factor == 0:
                outcome = "noted"
            elif self._is_capped(life, rule, touchpoint, t):
                outcome = "capped"
            else:
                outcome = "scored"
            # 9. Reversal: by a conviction, and by a revocation that is no bot's, however late.
            convicts = message is not None and self._convicts(rule, evidence)
            if convicts:
                for entry in message.remembered():
                    if abs(entry.t - t) <= self._trust.reversal_ms:
                        if entry.scored:
                            of_entry = entry.touchpoint["source"], entry.touchpoint["id"], entry.t
                            asked_again |= self._take_back(contact, *of_entry)
                        if entry.hour:
                            self._take_sample_back(life, touchpoint["channel"], entry.t)
                        entry.genuine = entry.scored = entry.hour = False
                self._disengage(life, message, touchpoint["channel"])
            revoked = self._text_property(touchpoint, "id")
            if rule.revokes and revoked and not bot:
                source = self._text_property(touchpoint, "source") or touchpoint["source"]
                asked_again |= self._take_back(contact, source, revoked)
            # Resets, late or capped or not, but never a bot's; then the contribution.
            if not bot:
                for axis in self.table.half_lives if rule.zero else rule.resets:
                    self._reset(contact, life, axis, t)
            if outcome == "scored":
                self._score(contact, rule, touchpoint, t, factor)
        # Then, for a touchpoint of any type, zone and hour.
        is_genuine = told.verdict == "human" and not late and self._source_factor(touchpoint) > 0
        if is_genuine:
            self._set_zone(life, touchpoint, t)
        if known:
            is_sample = is_genuine and outcome in ("scored", "capped") and self._sample(life, rule, touchpoint, t)
            if self.table.value and rule.value and not late and not bot:
                self._count_value(life, rule, touchpoint, t)
            if outcome == "scored" and told.verdict == "human":
                self._reward(life, rule, touchpoint, t)
            # What is remembered of the message.
            if message:
                had_been_delivered = bool(message.delivered)
                message.convicted += [t] if convicts else []
                if rule.message == "delivered":
                    message.delivered.append(t)
                else:
                    is_click, link = rule.message == "clicked", self._text_property(touchpoint, "link")
                    message.opens_and_clicks.append(
                        OpenOrClick(t, is_click, link, touchpoint, is_genuine, outcome == "scored", is_sample)
                    )
                self._reach(life, message, touchpoint["channel"], is_first=not had_been_delivered)
                self._remember(life, message)

        # 10. Membership at as_of, by scores alone, behind a closed gate too.
        earned_before = set(life.earned)
        self._earn(
            life, {name for name, tier in self.table.tiers.items() if self._earns(life, name, tier, asked_again)}
        )

        # 11. Transition.
        held = self._held(contact)
        if held != held_before:
            lost_leave_axes = {axis for name in held_before - held for axis in self.table.tiers[name].leave}
            if gate_before != self._gate_is_open(contact):
                cause = "permission"
            elif told.taken_back:
                cause = "reversal"
            elif lost_leave_axes & set(rule.resets):
                cause = "conversion"
            else:
                cause = "touchpoint"
            lost_again = asked_again & (earned_before - life.earned)
            changes.append(self._change(contact, held_before, cause, touchpoint, lost_again=lost_again))
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
        self._earn(life, life.earned & self.table.tiers.keys())
        earned_before = life.earned
        self._earn(life, {name for name, tier in self.table.tiers.items() if self._earns(life, name, tier)})
        if self._held(contact) == contact.held and self._headline(contact.held)[1] == contact.headline:
            return []
        return [self._change(contact, contact.held, "pack", None, decided=earned_before ^ life.earned)]

    def _forget(self, contact: Contact, life: Life) -> None:
        """What the pack before this one did not ask for is not remembered."""
        old, new = life.table, self.table
        life.contributions = [c for c in life.contributions if c.axis in new.half_lives]
        life.rings = {axis: ring for axis, ring in life.rings.items() if axis in new.half_lives}
        for axis in old.half_lives.keys() & new.half_lives.keys():
            named = [any(axis in row.resets for row in table.types.values()) for table in (old, new)]
            if old.half_lives[axis] != new.half_lives[axis] or not all(named):
                # The five of greatest worth, by the half-life they had.
                by_worth = self._by_worth(self._counting(life, axis), life.as_of, old)
                for weaker in by_worth[STRONGEST:]:
                    weaker.forgotten = True
                life.reasons_are_anybodys_guess |= self._is_tie(by_worth)
            for kind in ("types", "days"):
                # Noted are as many as the pack before this one wanted; which, of several of one moment, nobody says.
                noted, ties = life.noted.get((axis, kind), {}), life.ties.get((axis, kind), set())
                if self._wanted(old, axis, kind) < self._wanted(new, axis, kind):
                    contact.is_anybodys_guess |= bool(ties & set(noted.values()))
        life.noted = {(axis, kind): noted for (axis, kind), noted in life.noted.items() if axis in new.half_lives}
        for axis, kind in life.noted:
            self._displace(life, axis, kind)
        if not any(row.message for row in new.types.values()):
            life.messages = []
        counted = {name for name, badge in new.badges.items() if badge.count is not None}
        in_a_row = {name for name, badge in new.badges.items() if badge.streak_days is not None}
        life.counts = {name: count for name, count in life.counts.items() if name in counted}
        life.streaks = {name: streak for name, streak in life.streaks.items() if name in in_a_row}

    @staticmethod
    def _wanted(table: Table, axis: str, kind: str) -> int:
        """How many the most demanding tier counts."""
        asking = [tier.distinct for tier in table.tiers.values() if tier.distinct]
        return max((test.at_least for test in asking if (test.axis, test.of) == (axis, kind)), default=0)

    @staticmethod
    def _counting(life: Life, axis: str) -> list[Contribution]:
        """The contributions on the axis that no reset has made void."""
        return [c for c in life.contributions if c.axis == axis and c.t > life.reset_at[axis]]

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
            self._earn(contact.life, contact.life.earned - tiers)  # by decree, the scores are not asked again
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
        return [change | TOLD_IN_SHORT]

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

    # --- 5: the verdict -----------------------------------------------------------------------------------------------

    @property
    def _trust(self) -> TrustRow:
        return self.table.trust or NO_TRUST

    def _source_factor(self, touchpoint: dict) -> float:
        return self.table.sources.get(touchpoint["source"], 1)

    @staticmethod
    def _property(touchpoint: dict, name: str) -> object:
        return (touchpoint.get("properties") or {}).get(name)

    def _text_property(self, touchpoint: dict, name: str) -> str | None:
        """Of another type it counts as absent, and so does an empty text."""
        value = self._property(touchpoint, name)
        return value if isinstance(value, str) and value else None

    def _own_evidence(self, touchpoint: dict) -> list[str]:
        """What the touchpoint itself shows, whatever came before it."""
        trust = self._trust
        holds = {
            "bot": trust.flag and touchpoint.get("bot") is True,
            "honeypot": trust.honeypot and self._property(touchpoint, "honeypot") is True,
            "crawler": trust.crawler and touchpoint.get("user_agent") in CRAWLERS,
            "head-request": trust.head_request and self._property(touchpoint, "method") == "HEAD",
        }
        return [code for code in EVIDENCE if holds.get(code)]

    def _evidence(self, life: Life, rule: TypeRow, message: Message | None, touchpoint: dict, t: int) -> list[str]:
        """All of it, in the order of the contract's list."""
        trust, holds = self._trust, dict.fromkeys(self._own_evidence(touchpoint), True)
        if message and rule.message != "delivered":
            holds["convicted"] = trust.reversal_ms > 0 and abs(t - message.convicted_at()) <= trust.reversal_ms
            holds["too-soon"] = trust.too_soon_ms is not None and 0 <= t - message.delivered_at() < trust.too_soon_ms
        if message and rule.message == "clicked":
            clicks = [(entry.t, entry.link) for entry in message.remembered() if entry.is_click]
            clicks.append((t, self._text_property(touchpoint, "link")))
            holds["click-burst"] = trust.click_burst and any(
                len(span) >= trust.click_burst.at_least for span in self._spans(clicks, trust.click_burst.within_ms)
            )
            holds["many-links"] = (
                trust.many_links
                and clicks[-1][1]
                and any(
                    len({link for _, link in span if link}) >= trust.many_links.at_least
                    for span in self._spans(clicks, trust.many_links.within_ms)
                )
            )
        if trust.flood:
            touchpoints, within_ms = trust.flood
            latest = life.remembered[-touchpoints:]
            holds["flood"] = len(latest) == touchpoints and all(abs(t_i - t) < within_ms for _, _, t_i in latest)
        return [code for code in EVIDENCE if holds.get(code)]

    @staticmethod
    def _spans(clicks: list[tuple[int, str | None]], within_ms: int) -> list[list[tuple[int, str | None]]]:
        """From every click on, those within so many ms that the last of the list is one of them."""
        t = clicks[-1][0]
        spans = [[click for click in clicks if first <= click[0] <= first + within_ms] for first, _ in clicks]
        return [span for span in spans if t in [click[0] for click in span]]

    def _reverses(self, burst: Burst | None) -> bool:
        """Where nothing is reversed, a burst that `reverses` is like any other."""
        return burst is not None and burst.reverses and self._trust.reversal_ms > 0

    def _strong(self, evidence: list[str]) -> set[str]:
        """Those of which one is enough."""
        strong = {"bot", "honeypot", "crawler", "convicted"}
        strong |= {"click-burst"} if self._reverses(self._trust.click_burst) else set()
        strong |= {"many-links"} if self._reverses(self._trust.many_links) else set()
        return strong & set(evidence)

    def _verdict(self, evidence: list[str]) -> str:
        if self._strong(evidence) or len(evidence) >= self._trust.kinds_for_bot:
            return "bot"
        return "suspect" if evidence else "human"

    def _convicts(self, rule: TypeRow, evidence: list[str]) -> bool:
        """An open or click in a honeypot, or of a burst that reverses, convicts its message."""
        bursts = {"click-burst", "many-links"} & self._strong(evidence)
        return rule.message != "delivered" and self._trust.reversal_ms > 0 and bool({"honeypot", *bursts} & {*evidence})

    # --- 5 and 9: what is remembered of messages ----------------------------------------------------------------------

    @staticmethod
    def _message(life: Life, rule: TypeRow, touchpoint: dict) -> Message | None:
        """The message that the touchpoint, which is not late, is about; a new one if it is not remembered."""
        object_id = touchpoint.get("object_id")
        if not rule.message or not object_id:
            return None
        known = [message for message in life.messages if message.object_id == object_id]
        return known[0] if known else Message(object_id)

    @staticmethod
    def _remember(life: Life, message: Message) -> None:
        if message not in life.messages:
            life.messages.append(message)
        life.messages = [m for m in life.messages if not m.newest() < life.as_of - LATE_AFTER]
        life.messages = life.messages[-MESSAGES:]

    # --- 9: hours and channels ----------------------------------------------------------------------------------------

    def _set_zone(self, life: Life, touchpoint: dict, t: int) -> None:
        zone = touchpoint.get("timezone")
        offset = zone and self.table.hours and offset_ms(zone, t)
        if not self.table.hours or not zone or offset is None:
            return
        if life.zone is None:  # until now all hours were of UTC
            k = offset // HOUR
            for channel, bins in life.bins.items():
                life.bins[channel] = [bins[(h - k) % 24] for h in range(24)]
        life.zone = zone

    @staticmethod
    def _local_hour(life: Life, t: int) -> int:
        offset = (offset_ms(life.zone, t) if life.zone else None) or 0
        return (t + offset) // HOUR % 24

    def _sample(self, life: Life, rule: TypeRow, touchpoint: dict, t: int) -> bool:
        """Whether the touchpoint was one."""
        channel, hour_number = touchpoint["channel"], t // HOUR % 65_536
        if not self.table.hours or not rule.hour or not any(weight > 0 for weight in rule.weights.values()):
            return False
        if life.last_hour.get(channel) == hour_number:
            return False
        life.last_hour[channel] = hour_number
        if channel not in life.bins:
            if len(life.bins) == CHANNELS:
                least = min(life.bins, key=lambda name: (sum(life.bins[name]), name))
                del life.bins[least], life.last_hour[least]
            life.bins[channel] = [0] * 24
        hour = self._local_hour(life, t)
        if life.bins[channel][hour] + 1 > self.table.hours.halve_at:
            life.bins[channel] = [count // 2 for count in life.bins[channel]]
        life.bins[channel][hour] += 1
        return True

    def _take_sample_back(self, life: Life, channel: str, t: int) -> None:
        hour = self._local_hour(life, t)
        if self.table.hours and channel in life.bins and life.bins[channel][hour] > 0:
            life.bins[channel][hour] -= 1

    def _best_hour(self, life: Life) -> dict | None:
        if not self.table.hours:
            return None
        together = [sum(bins[h] for bins in life.bins.values()) for h in range(24)]
        enough = sorted(channel for channel, bins in life.bins.items() if sum(bins) >= self.table.hours.at_least)
        if sum(together) >= self.table.hours.at_least:
            answer = self._hour_of(together)
        else:
            answer = {"hour": self.table.hours.fallback, "confidence": 0.0, "samples": sum(together)}
        channels = {channel: self._hour_of(life.bins[channel]) for channel in enough}
        return answer | {"zone": life.zone or "UTC", "channels": channels}

    @staticmethod
    def _hour_of(c: list[int]) -> dict:
        s = [c[h - 1] + 2 * c[h] + c[(h + 1) % 24] for h in range(24)]
        hour = max(range(24), key=lambda h: (s[h], c[h], -h))
        near = c[hour - 1] + c[hour] + c[(hour + 1) % 24]
        return {"hour": hour, "confidence": (100 * near // sum(c)) / 100, "samples": sum(c)}

    def _reach(self, life: Life, message: Message, channel: str, *, is_first: bool) -> None:
        """What the touchpoint has completed: a first delivery, an engagement, or nothing."""
        is_delivered = is_first and bool(message.delivered)
        is_engaged = (
            not message.engaged and bool(message.delivered) and any(entry.genuine for entry in message.remembered())
        )
        message.engaged |= is_engaged
        if not self.table.preferred_channel or not (is_delivered or is_engaged):
            return
        if channel not in life.delivered:
            if len(life.delivered) == CHANNELS:
                least = min(life.delivered, key=lambda name: (life.delivered[name], name))
                del life.delivered[least], life.engaged[least]
            life.delivered[channel] = life.engaged[channel] = 0
        if is_delivered and life.delivered[channel] + 1 > MOST_DELIVERIES:
            life.delivered[channel] //= 2
            life.engaged[channel] //= 2
        life.delivered[channel] += is_delivered
        life.engaged[channel] += is_engaged

    def _disengage(self, life: Life, message: Message, channel: str) -> None:
        """A conviction has left no genuine open or click."""
        if message.engaged and not any(entry.genuine for entry in message.remembered()):
            message.engaged = False
            if self.table.preferred_channel and life.engaged.get(channel, 0) > 0:
                life.engaged[channel] -= 1

    def _preferred_channel(self, contact: Contact) -> str | None:
        life, asked = contact.life, self.table.preferred_channel
        if not asked:
            return None
        known = [channel for channel in self._channels(contact) if life.delivered.get(channel, 0) >= asked.deliveries]
        if len(known) < asked.channels:
            return None
        best = max(Fraction(life.engaged[channel], life.delivered[channel]) for channel in known)
        known = [channel for channel in known if Fraction(life.engaged[channel], life.delivered[channel]) == best]
        most = max(life.delivered[channel] for channel in known)
        return min(channel for channel in known if life.delivered[channel] == most)

    # --- 9: value -----------------------------------------------------------------------------------------------------

    def _count_value(self, life: Life, rule: TypeRow, touchpoint: dict, t: int) -> None:
        """Capped or not, whatever its source."""
        (life.orders if rule.value == "order" else life.refunds).append(t)
        value = touchpoint.get("value")
        if value is None or (value["currency"] not in life.spent and len(life.spent) == CURRENCIES):
            return
        spent = life.spent.setdefault(value["currency"], Spent())
        if rule.value == "order":
            spent.orders += 1
            spent.revenue += Fraction(value["amount"])
        else:
            spent.refunds += 1
            spent.refunded += abs(Fraction(value["amount"]))

    def value(self, contact_id: str) -> dict | None:
        """All that is known and foretold of what a contact spends."""
        life = self.contacts[contact_id].life
        if life is None or not self.table.value:
            return None
        first, last, orders = min(life.orders, default=None), max(life.orders, default=None), len(life.orders)
        return {
            "orders": orders,
            "refunds": len(life.refunds),
            "first_order": first,
            "last_order": last,
            "days_between_orders": (last - first) * 10_000 // (DAY * (orders - 1)) / 10_000 if orders > 1 else None,
            "currencies": {
                currency: {
                    "orders": spent.orders,
                    "revenue": money(spent.revenue, 9),
                    "refunds": spent.refunds,
                    "refunded": money(spent.refunded, 9),
                    "mean_order": money(spent.revenue / spent.orders, 4) if spent.orders else None,
                }
                for currency, spent in life.spent.items()
            },
            "lifetime_value": {
                currency: money(self._lifetime_value(life, spent), 2)
                for currency, spent in life.spent.items()
                if orders
            },
        }

    def _lifetime_value(self, life: Life, spent: Spent) -> Fraction:
        """What she spends per order, times how often, times how long we expect her to stay, times margin."""
        row, first, last, n = self.table.value, min(life.orders), max(life.orders), len(life.orders)
        if n == 1 or last == first:
            rate = Fraction(str(row.orders_per_year_after_first))
        else:
            rate = min(Fraction(YEAR * (n - 1), last - first), Fraction(row.most_orders_per_year))
        if rate == 0 or life.as_of - last > row.lapsed_after_gaps * YEAR / rate:
            return Fraction(0)
        net = max(Fraction(0), spent.revenue - spent.refunded)
        stays = sum(Fraction(row.yearly_retention_percent, 100) ** k for k in range(row.years))
        return net / n * rate * stays * Fraction(row.margin_percent, 100)

    # --- 9: rewards ---------------------------------------------------------------------------------------------------

    def _reward(self, life: Life, rule: TypeRow, touchpoint: dict, t: int) -> None:
        if self.table.points_per_weight is not None:
            in_force = self._weights_in_force(rule, touchpoint).values()
            hundredths = sum(round(100 * weight) for weight in in_force if weight > 0)
            by_weights = hundredths * self.table.points_per_weight // 100
            life.points += by_weights if rule.points is None else rule.points
        for name, badge in self.table.badges.items():
            if name in life.badges or (badge.types and touchpoint["type"] not in badge.types):
                continue
            if badge.count is not None:
                life.counts[name] = life.counts.get(name, 0) + 1
                is_reached = life.counts[name] >= badge.count
            else:
                day, length = life.streaks.get(name, (-1, 0))
                if day_of(t) > day:
                    life.streaks[name] = (day_of(t), length + 1 if length and day_of(t) == day + 1 else 1)
                is_reached = life.streaks[name][1] >= badge.streak_days
            if is_reached:
                life.badges.add(name)
                self.told.badges.append({
                    "contact_id": touchpoint["contact_id"],
                    "badge": name,
                    "badges": sorted(life.badges),
                    "points": life.points,
                    "occurred_at": t,
                    "touchpoint_id": touchpoint["id"],
                    "touchpoint_source": touchpoint["source"],
                })  # fmt: skip

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
        ring = life.rings.get(axis, [])
        by_worth = self._by_worth(self._counting(life, axis), life.as_of, self.table)
        for fallen_out in [c for c in life.contributions if c.axis == axis and c not in ring]:
            fallen_out.forgotten = True
        for weaker in by_worth[STRONGEST:]:
            if not self._is_fulfillable(axis) or weaker.t <= life.as_of - LATE_AFTER:
                # Nobody remembers which touchpoint it was: it counts on, and is no reason any more.
                weaker.forgotten = True
                life.reasons_are_anybodys_guess |= self._is_tie(by_worth)
        life.reset_at[axis] = reset_at
        left = sum(self._worth(c, life.as_of) for c in ring if c.t > reset_at)
        life.scores[axis] = min(life.scores[axis], max(0.0, left))
        for (of_axis, _), noted in life.noted.items():
            if of_axis == axis:
                for name in [name for name, t_noted in noted.items() if t_noted <= reset_at]:
                    del noted[name]

    def _is_fulfillable(self, axis: str) -> bool:
        """Whether some rule resets the axis by name."""
        return any(axis in rule.resets for rule in self.table.types.values())

    def _score(self, contact: Contact, rule: TypeRow, touchpoint: dict, t: int, factor: float) -> None:
        life = contact.life
        if rule.per_day is not None or rule.per_object is not None:
            object_id = None if rule.per_object is None else touchpoint.get("object_id")
            life.scored.append((touchpoint["type"], day_of(t), object_id, self.arrivals))
        for axis, full_weight in self._weights_in_force(rule, touchpoint).items():
            weight = round(full_weight * factor, 4)
            if weight == 0:
                continue
            contribution = Contribution(axis, weight, t, touchpoint, self.arrivals)
            life.contributions.append(contribution)
            ring = life.rings.setdefault(axis, [])
            ring.append(contribution)  # void or not, it has its place in the ring
            del ring[:-RING]
            if t > life.reset_at[axis]:
                life.scores[axis] = max(0.0, life.scores[axis] + self._worth(contribution, life.as_of))
                if weight > 0:
                    for kind in ("types", "days"):
                        noted = life.noted.setdefault((axis, kind), {})
                        name = self._kind(contribution, kind)
                        noted[name] = max(noted.get(name, t), t)
                        self._displace(life, axis, kind)

    @staticmethod
    def _weights_in_force(rule: TypeRow, touchpoint: dict) -> Mapping[str, float]:
        rating = touchpoint.get("rating")
        is_critical = rule.critical is not None and rating is not None and rating < rule.critical_below
        return rule.critical if is_critical else rule.weights

    @staticmethod
    def _kind(contribution: Contribution, kind: str) -> object:
        """Its type, or its UTC day."""
        return contribution.touchpoint["type"] if kind == "types" else day_of(contribution.t)

    def _displace(self, life: Life, axis: str, kind: str) -> None:
        """The newest few remain, as many as the most demanding tier wants."""
        noted = life.noted[axis, kind]
        while len(noted) > self._wanted(self.table, axis, kind):
            oldest = min(noted, key=lambda name: noted[name])
            t = noted.pop(oldest)
            if t in noted.values():
                life.ties.setdefault((axis, kind), set()).add(t)

    # --- 9: reversal --------------------------------------------------------------------------------------------------

    def _take_back(self, contact: Contact, source: str, id_: str, t: int | None = None) -> set[str]:
        """Every touchpoint of this source and id (and t) that a ring has, in order of arrival.

        Returns the tiers that must be asked again.
        """
        life, asked_again = contact.life, set()
        in_rings = [
            c
            for ring in life.rings.values()
            for c in ring
            if (c.touchpoint["source"], c.touchpoint["id"]) == (source, id_) and t in (None, c.t)
        ]
        if not in_rings:
            self.told.not_reversible += 1
        for arrival in sorted({c.arrival for c in in_rings}):
            has_lost_one = False
            of_touchpoint = {c.axis: c for c in life.contributions if c.arrival == arrival}
            for axis in self.table.half_lives:
                if contribution := of_touchpoint.get(axis):
                    if contribution in life.rings[axis]:
                        asked_again |= self._give_back(contact, contribution)
                    else:  # it fell out: it keeps its points and may stay a reason
                        has_lost_one = True
            self.told.taken_back += 1
            self.told.not_reversible += has_lost_one
            life.scored = [entry for entry in life.scored if entry[3] != arrival]
        return asked_again

    def _give_back(self, contact: Contact, contribution: Contribution) -> set[str]:
        """One contribution leaves its ring. Returns the tiers that must be asked again."""
        life, axis, t = contact.life, contribution.axis, contribution.t
        is_void = t <= life.reset_at[axis]
        if not is_void:
            # Reasons are afterwards only what was among the five before.
            by_worth = self._by_worth(self._counting(life, axis), life.as_of, self.table)
            for weaker in by_worth[STRONGEST:]:
                weaker.forgotten = True
            life.reasons_are_anybodys_guess |= self._is_tie(by_worth)
            life.scores[axis] = max(0.0, life.scores[axis] - self._worth(contribution, life.as_of))
            if life.scores[axis] < 1e-9:
                life.scores[axis] = 0.0
        life.rings[axis].remove(contribution)
        life.contributions.remove(contribution)
        if is_void or contribution.weight < 0:
            return set()

        types, days = life.noted.get((axis, "types"), {}), life.noted.get((axis, "days"), {})
        for type_ in [type_ for type_, t_noted in types.items() if t_noted == t]:
            del types[type_]
        if life.ties.get((axis, "types"), set()) & set(types.values()):
            contact.is_anybodys_guess = True
        if days.get(day_of(t)) == t:
            of_day = [
                c.t for c in life.rings[axis] if c.weight > 0 and c.t > life.reset_at[axis] and day_of(c.t) == day_of(t)
            ]
            if of_day:
                days[day_of(t)] = max(of_day)
            else:
                del days[day_of(t)]
        return {name for name in life.earned if axis in self.table.tiers[name].enter and t <= life.entered_at[name]}

    # --- 10: membership -----------------------------------------------------------------------------------------------

    @staticmethod
    def _earn(life: Life, names: set[str]) -> None:
        life.entered_at = {name: life.entered_at.get(name, life.as_of) for name in names}
        life.earned = set(names)

    def _earns(self, life: Life, name: str, tier: TierRow, asked_again: set[str] = frozenset()) -> bool:
        has_entered = all(life.scores[axis] >= enter for axis, enter in tier.enter.items())
        if name in asked_again:  # distinct is not asked
            return has_entered
        if name in life.earned:
            return all(life.scores[axis] > leave for axis, leave in tier.leave.items())
        return has_entered and self._is_distinct(life, tier)

    def _is_distinct(self, life: Life, tier: TierRow) -> bool:
        """Types or days last seen strictly after as_of - window."""
        if tier.distinct is None:
            return True
        edge = life.as_of - tier.distinct.window_ms
        noted = life.noted.get((tier.distinct.axis, tier.distinct.of), {})
        return len([t for t in noted.values() if t > edge]) >= tier.distinct.at_least

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
            "evidence": list(self.told.evidence) if touchpoint else [],
            "since": contact.since,
        }

    def _change(
        self,
        contact: Contact,
        held_before: set[str],
        cause: str,
        touchpoint: dict | None,
        decided: set[str] | None = None,
        lost_again: set[str] = frozenset(),
    ) -> dict:
        """One that is not told in short.

        `decided`: tiers that points have decided about, if not about all that were gained or lost. `lost_again`: tiers that
        were asked by their enter thresholds again.
        """
        life, held = contact.life, self._held(contact)
        change = self._headline_change(contact, held_before, held, life.as_of, cause, touchpoint)
        tiers = self.table.tiers
        moved = (held ^ held_before) & tiers.keys()
        told = moved if decided is None else moved & decided
        enter = {name: dict(tiers[name].enter) for name in told & held}
        leave = {name: dict(tiers[name].enter if name in lost_again else tiers[name].leave) for name in told - held}
        pool = self._reason_pool(life, {axis for name in moved for axis in tiers[name].enter})
        return change | {
            "held": sorted(held),
            "channels": self._channels(contact),
            "scores": dict(life.scores),
            "thresholds": {} if cause == "permission" else enter | leave,
            "reasons": pool[:REASONS],
            "reason_pool": None if life.reasons_are_anybodys_guess else pool,
            "best_hour": self._best_hour(life),
            "channel": self._preferred_channel(contact),
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
