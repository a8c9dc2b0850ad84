"""A contact to whom things happen."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import count

from palier.contracts.contact_state import decode_state, encode_state
from palier.domain.demotion import expire, next_demotion_at
from palier.domain.explain import explain
from palier.domain.fold import fold
from palier.domain.limits import DAY_MS, HOUR_MS, MINUTE_MS
from palier.domain.pack import Axis, Distinct, Rule, RulePack, Tier
from palier.domain.state import ContactState
from palier.domain.touchpoint import Touchpoint
from palier.packs import load_pack

START = 1_735_689_600_000  # 2025-01-01T00:00:00Z
DEFAULT = load_pack(None)


def moment(day: float = 0, hour: float = 0, minute: float = 0, ms: int = 0) -> int:
    """Milliseconds since the epoch, counted from the first day of every test."""
    return START + round(day * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS) + ms


class Contact:
    """A state, its pack, and everything that came of its touchpoints."""

    def __init__(self, pack: RulePack = DEFAULT, *, stored: bool = False):
        self.pack = pack
        self.state = ContactState.new()
        self.stored = stored
        """Encode and decode before every touchpoint, as the worker does."""
        self.changes = []
        self.touchpoints = []
        self._numbers = count(1)

    def does(self, type_: str, day: float = 0, hour: float = 0, minute: float = 0, ms: int = 0, **members):
        """Something happens; gives the outcome. Every touchpoint has an id of its own unless told otherwise."""
        members = {"id": f"t{next(self._numbers)}", "source": "test", "channel": "email", **members}
        touchpoint = Touchpoint(type=type_, contact_id="ada", occurred_at=moment(day, hour, minute, ms), **members)
        return self.arrives(touchpoint)

    def arrives(self, touchpoint: Touchpoint):
        """The same for a touchpoint that exists already."""
        if self.stored:
            self.state = decode_state(encode_state(self.state))
        outcome = fold(self.state, touchpoint, self.pack)
        self.touchpoints.append(touchpoint)
        self.changes += outcome.changes
        return outcome

    def opts_in(self, day: float = 0, channel: str = "email"):
        """Leave to market, worth no points."""
        return self.does("consent.granted" if "consent.granted" in self.pack.rules else "hello", day, channel=channel)

    def waits(self, day: float = 0, hour: float = 0, minute: float = 0, ms: int = 0):
        """Nothing happens until then; gives the demotions."""
        changes = expire(self.state, "ada", moment(day, hour, minute, ms), self.pack)
        self.changes += changes
        return changes

    @property
    def held(self) -> tuple[str, ...]:
        return self.explained().held

    def score(self, axis: str) -> float:
        """At `as_of`, not floored."""
        return self.state.scores[self.pack.compiled.axes.index(axis)]

    def scores(self) -> dict[str, float]:
        return dict(zip(self.pack.compiled.axes, self.state.scores, strict=True))

    def explained(self, day: float = -1):
        return explain(self.state, moment(day), self.pack)

    @property
    def next_demotion_at(self) -> int | None:
        return next_demotion_at(self.state, self.pack)


def steps(changes) -> list[tuple[str, str, str]]:
    """(from, to, cause) of each change."""
    return [(change.from_tier, change.to_tier, change.cause) for change in changes]


def snapshot(state: ContactState) -> bytes:
    """Everything in a state; equal for equal states."""
    return encode_state(state)


def small_pack(**changes) -> RulePack:
    """Two axes, one tier on each, a rule for every effect: numbers that are easy to add up in the head."""
    pack = RulePack(
        name="small",
        version=1,
        digest="0" * 64,
        axes=(Axis("warmth", 10 * DAY_MS), Axis("zeal", 20 * DAY_MS)),
        tiers=(
            Tier("warm", {"warmth": 10}, {"warmth": 5}),
            Tier("zealous", {"zeal": 10, "warmth": 1}, {"zeal": 5}, Distinct("types", "zeal", 2, 5 * DAY_MS)),
        ),
        rules={
            rule.type: rule
            for rule in (
                Rule("hello", grants=("@",)),
                Rule("goodbye", withdraws=("@",)),
                Rule("silence", withdraws=("*",), zero=True),
                Rule("warm.1", {"warmth": 1}),
                Rule("warm.2", {"warmth": 2}),
                Rule("warm.8", {"warmth": 8}),
                Rule("warm.12", {"warmth": 12}),
                Rule("cold.4", {"warmth": -4}),
                Rule("zeal.6", {"zeal": 6}),
                Rule("zeal.7", {"zeal": 7}),
                Rule("both", {"warmth": 3, "zeal": 4}),
                Rule("capped", {"warmth": 1}, per_day=2, per_object=1),
                Rule("done", resets=("warmth",)),
                Rule("done.with.8", {"warmth": 8}, resets=("warmth",)),
                Rule("forget", erases=True),
            )
        },
        permission_channels=frozenset({"email"}),
    )
    assert set(changes) <= {field.name for field in fields(pack)}
    return replace(pack, **changes)
