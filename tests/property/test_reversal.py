"""Taking back, beside whole lists: every contribution as it came, rings and the five as the contract tells them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import exp2

from hypothesis import given, settings
from hypothesis import strategies as st

from domain_kit.contact import START, Contact, snapshot
from domain_kit.mail import TRUST, mail_pack
from palier.domain.contributions import time_of
from palier.domain.limits import DAY_MS, HOUR_MS, RING, STRONGEST
from palier.domain.pack import Rule
from palier.domain.touchpoint import Touchpoint

PACK = mail_pack(
    replace(TRUST, flood=None),
    rules={
        **{f"w{points}": Rule(f"w{points}", {"warmth": points}) for points in (1, 3, 8, -4)},
        "both": Rule("both", {"warmth": 2, "zeal": 5}),
        "capped": Rule("capped", {"warmth": 1}, per_day=3, per_object=2),
        "done": Rule("done", resets=("warmth",)),
        "revoked": Rule("revoked", revokes=True),
    },
)
HALF_LIVES = {axis.name: axis.half_life_ms for axis in PACK.axes}


@dataclass
class Row:
    """A contribution, as the test keeps it."""

    id: str
    weight: float
    t: int


@dataclass
class Axis:
    """Its score, and what is remembered of it."""

    half_life: int
    score: float = 0.0
    reset_at: int = -1
    ring: list[Row] = field(default_factory=list)
    five: list[Row] = field(default_factory=list)


@st.composite
def lives(draw: st.DrawFn) -> list[Touchpoint]:
    """Gains and losses on two axes, resets, and revocations of anything, out of order by up to days."""
    clock, life = START, []
    for number in range(draw(st.integers(1, 70))):
        clock += draw(st.sampled_from((0, 1, HOUR_MS, 5 * HOUR_MS, DAY_MS)))
        late_by = draw(st.sampled_from((0, 0, 0, 1, HOUR_MS, 2 * DAY_MS)))
        type_ = draw(
            st.sampled_from(("w1", "w3", "w8", "w-4", "both", "capped", "capped", "done", "revoked", "revoked"))
        )
        revoked = draw(st.integers(max(0, number - 25), number))
        life.append(
            Touchpoint(
                f"t{number}",
                "shop",
                type_,
                "email",
                "ada",
                clock - late_by,
                draw(st.sampled_from((None, "a", "b"))),
                properties={"id": f"t{revoked}"} if type_ == "revoked" else None,
            )
        )
    return life


@given(lives())
def test_scores_caps_and_counters_are_as_by_whole_lists(life):
    """Touchpoint by touchpoint: scores, what was taken back and what could not be, and what the caps let pass."""
    ada, axes, as_of, used = Contact(PACK, stored=True), {}, -1, []
    axes = {name: Axis(half_life) for name, half_life in HALF_LIVES.items()}
    weighed = {}
    for touchpoint in life:
        t, rule = touchpoint.occurred_at, PACK.rules[touchpoint.type]
        outcome = ada.arrives(touchpoint)
        assert outcome.verdict == "human"
        if t > as_of >= 0:
            for axis in axes.values():
                axis.score *= exp2((as_of - t) / axis.half_life)
        as_of = max(as_of, t)
        expected = (0, 0)
        if rule.revokes:
            revoked = touchpoint.properties["id"]
            on = [name for name in weighed.get(revoked, ()) if any(row.id == revoked for row in axes[name].ring)]
            expected = (1, int(len(on) < len(weighed[revoked]))) if on else (0, 1)
            for name in on:
                take_back(axes[name], revoked, as_of)
            if on:
                used = [use for use in used if use[2] != revoked]
        for name in rule.resets:
            reset(axes[name], t + 5 * 60_000, as_of)
        if rule.weights and outcome.name == "scored":
            weighed[touchpoint.id] = tuple(rule.weights)
            for name, weight in rule.weights.items():
                add(axes[name], Row(touchpoint.id, weight, t), as_of)
        if touchpoint.type == "capped":
            today = [use for use in used if use[0] == t // DAY_MS]
            same = [use for use in today if touchpoint.object_id and use[1] == touchpoint.object_id]
            assert outcome.name == ("capped" if len(today) >= 3 or len(same) >= 2 else "scored")
            if outcome.name == "scored":
                used.append((t // DAY_MS, touchpoint.object_id, touchpoint.id))
        assert (outcome.taken_back, outcome.not_reversible) == expected
        for name, axis in axes.items():
            assert abs(ada.score(name) - axis.score) < 1e-9
        state = ada.state
        listed = b"".join([*state.rings, *state.strongest])
        assert set(listed).isdisjoint(state.free)
        assert set(listed) | set(state.free) == set(range(len(state.codes)))
        assert len(set(state.free)) == len(state.free)
        assert state.evidence.keys() == set(b"".join(state.strongest))
        assert len(state.marks) == 3 * len(state.codes)
        for number, axis in enumerate(axes.values()):
            assert [time_of(state, slot) for slot in state.rings[number]] == [row.t for row in axis.ring]


def add(axis: Axis, row: Row, as_of: int) -> None:
    axis.ring = [*axis.ring, row][-RING:]
    if row.t > axis.reset_at:
        axis.score = max(0.0, axis.score + row.weight * exp2((row.t - as_of) / axis.half_life))


def reset(axis: Axis, reset_at: int, as_of: int) -> None:
    if reset_at > axis.reset_at:
        axis.reset_at = reset_at
        left = sum(row.weight * exp2((row.t - as_of) / axis.half_life) for row in axis.ring if row.t > reset_at)
        axis.score = min(axis.score, max(0.0, left))


def take_back(axis: Axis, revoked: str, as_of: int) -> None:
    for row in [row for row in axis.ring if row.id == revoked]:
        axis.ring.remove(row)
        if row.t > axis.reset_at:
            axis.score -= row.weight * exp2((row.t - as_of) / axis.half_life)
            axis.score = axis.score if axis.score >= 1e-9 else 0.0


@given(lives().filter(lambda life: len(life) > 2), st.data())
@settings(max_examples=60)
def test_reasons_after_a_reversal_are_those_before_less_what_was_taken_back(life, data):
    """Nothing rises among the five, and nothing else is lost."""
    ada = Contact(PACK)
    for touchpoint in life:
        ada.arrives(touchpoint)
    before = ada.explained().contributions
    revoked = data.draw(st.sampled_from(life)).id
    outcome = ada.does("revoked", 200, properties={"id": revoked}, source="shop")
    after = ada.explained().contributions
    for name, reasons in before.items():
        told = [reason.touchpoint_id for reason in reasons]
        left = [reason.touchpoint_id for reason in after[name]]
        assert len(told) <= STRONGEST
        if outcome.taken_back:
            assert left in (told, [touchpoint_id for touchpoint_id in told if touchpoint_id != revoked])
        else:
            assert left == told


@given(lives())
@settings(max_examples=60)
def test_what_is_revoked_at_once_leaves_no_points(life):
    """Each gain revoked as soon as it has arrived: neither score nor cap nor variety nor reason is left of it."""
    ada = Contact(PACK, stored=True)
    for number, touchpoint in enumerate(life):
        if touchpoint.type in ("revoked", "w-4"):
            continue
        ada.arrives(touchpoint)
        day = (touchpoint.occurred_at - START) / DAY_MS
        ada.does("revoked", day, properties={"id": touchpoint.id}, id=f"r{number}", source="shop")
        assert set(ada.scores().values()) == {0}
        assert ada.state.caps == {}
        assert ada.state.rings == [b"", b""]
        assert not any(ada.state.distinct)
        assert ada.explained().contributions == {"warmth": (), "zeal": ()}


SCANS = st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from("abcde")), min_size=3, max_size=8)


@given(SCANS, st.booleans(), st.booleans(), st.permutations(range(3)))
def test_no_score_of_a_scanner_stays(scan, delivered, opened, order):
    """Three links of a mail within two seconds, in any order, with others among them: nothing is left, and a human counts."""
    ada = Contact(stored=True)
    ada.does("webinar.attended", 0)
    untouched = ada.score("interest")
    if delivered:
        ada.does("email.delivered", 1, object_id="m-1")
    if opened:
        ada.does("email.opened", 1, ms=10, object_id="m-1")
    three = [(500 * place, link) for place, link in zip(order, "xyz", strict=True)]
    for ms, link in [*scan, *three][-8:]:
        ada.does("email.clicked", 1, ms=ms, object_id="m-1", properties={"link": link})
    expected = untouched * exp2((START - ada.state.as_of) / (30 * DAY_MS))
    assert abs(ada.score("interest") - expected) < 1e-9
    human = ada.does("email.clicked", 1, 0, 4, object_id="m-1", properties={"link": "x"})
    assert (human.name, human.verdict) == ("scored", "human")
    assert abs(ada.score("interest") - untouched * exp2((START - ada.state.as_of) / (30 * DAY_MS)) - 3) < 1e-9
    assert snapshot(ada.state)
