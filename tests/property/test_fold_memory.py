"""What the state keeps in few bytes answers as if it kept everything: ids, rings, strongest, distinct."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp2

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.contact import DEFAULT, START, Contact, small_pack
from palier.domain.contributions import time_of
from palier.domain.distinct import newest_times, note_day, note_type
from palier.domain.limits import DAY_MS, HOUR_MS, LATENESS_MS, REMEMBERED_IDS, RING, STRONGEST
from palier.domain.pack import Rule
from palier.domain.remembered import digest_of, is_remembered, remember
from palier.domain.state import ContactState
from palier.domain.touchpoint import Touchpoint

STEPS = st.sampled_from((0, 1, HOUR_MS, DAY_MS, LATENESS_MS - 1, LATENESS_MS, LATENESS_MS + 1, 50 * DAY_MS))


@given(st.lists(st.tuples(st.integers(0, 200), STEPS, STEPS), max_size=250))
def test_ids_are_remembered_as_by_an_exact_list(arrivals):
    """Beside a plain list of (id, time), kept as the contract says; its lazily cleared rows never show."""
    state, exact, newest = ContactState.new(), [], START
    state.as_of = START
    for number, step, delay in arrivals:
        digest, t = digest_of("shop", str(number)), state.as_of + step - delay
        assert is_remembered(state, digest) == (number in [known for known, _ in exact])
        if number in [known for known, _ in exact]:
            continue
        state.as_of = max(state.as_of, t)
        remember(state, digest, t, state.as_of - newest)
        newest = state.as_of
        if t >= newest - LATENESS_MS:
            exact.append((number, t))
        exact = [entry for entry in exact if entry[1] >= newest - LATENESS_MS][-REMEMBERED_IDS:]
    for number in range(201):
        assert is_remembered(state, digest_of("shop", str(number))) == (number in [known for known, _ in exact])


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 10 * DAY_MS)), max_size=40), st.integers(1, 4))
def test_the_newest_few_answer_for_all(noted, most):
    """How many types, or days, are newer than any moment: up to the depth kept, the same as from the whole."""
    types, days = {}, {}
    for name, t in noted:
        note_type(types, name, t, most)
        note_day(days, t, most)
    all_types = {name: max(t for other, t in noted if other == name) for name, _ in noted}
    all_days = {t // DAY_MS: max(other for _, other in noted if other // DAY_MS == t // DAY_MS) for _, t in noted}
    for moment in range(-1, 10 * DAY_MS, DAY_MS // 3):
        for kept, of, whole in ((types, "types", all_types), (days, "days", all_days)):
            found = sum(t > moment for t in newest_times(kept, of))
            assert found == min(most, sum(t > moment for t in whole.values())) or len(whole) > most <= found
            assert (found >= most) == (sum(t > moment for t in whole.values()) >= most)


@dataclass(eq=False)
class Row:
    """A contribution as the test keeps it."""

    id: str
    weight: float
    t: int
    forgotten: bool = False


PACK = small_pack(
    rules={
        **{f"w{points}": Rule(f"w{points}", {"warmth": points}) for points in (1, 2, 3, 5, 8, 13, -4)},
        "done": Rule("done", resets=("warmth",)),
        "zeal.1": Rule("zeal.1", {"zeal": 1}),
    }
)


@st.composite
def warm_lives(draw: st.DrawFn) -> list[Touchpoint]:
    """Contributions to one axis and its resets, out of order by up to a week."""
    clock, life = START, []
    for number in range(draw(st.integers(1, 80))):
        clock += draw(st.sampled_from((0, HOUR_MS, DAY_MS, 4 * DAY_MS)))
        late_by = draw(st.sampled_from((0, 0, 0, HOUR_MS, 2 * DAY_MS, LATENESS_MS - 10 * 60_000)))
        type_ = draw(st.sampled_from(sorted(PACK.rules)))
        life.append(Touchpoint(f"t{number}", "shop", type_, "web", "ada", clock - late_by))
    return life


@given(warm_lives())
def test_reasons_and_resets_are_as_if_every_contribution_were_kept(life):
    """On an axis that a rule resets, with resets up to a week out of order: the five strongest, and what is left."""
    ada, rows, reset_at, score, as_of = Contact(PACK, stored=True), [], -1, 0.0, life[0].occurred_at
    half_life = PACK.axes[0].half_life_ms
    for touchpoint in life:
        ada.arrives(touchpoint)
        t = touchpoint.occurred_at
        score, as_of = score * exp2(min(0, as_of - t) / half_life), max(as_of, t)
        weight = PACK.rules[touchpoint.type].weights.get("warmth")
        if touchpoint.type == "done" and t + 5 * 60_000 > reset_at:
            reset_at = t + 5 * 60_000
            for fallen in rows[:-RING]:
                fallen.forgotten = True
            score = min(score, max(0, sum(worth(row, as_of, half_life) for row in rows[-RING:] if row.t > reset_at)))
        if weight is not None:
            rows.append(Row(touchpoint.id, weight, t))
            if t > reset_at:
                score = max(0, score + worth(rows[-1], as_of, half_life))
        assert abs(ada.score("warmth") - score) < 1e-9
        alive = [abs(worth(row, as_of, half_life)) for row in rows if row.t > reset_at and not row.forgotten]
        told = ada.explained().contributions["warmth"]
        assert len(told) == min(STRONGEST, len(alive))
        by_id = {row.id: row for row in rows}
        for reason, expected in zip(told, sorted(alive, reverse=True), strict=False):
            row = by_id[reason.touchpoint_id]
            assert (reason.weight, reason.occurred_at) == (row.weight, row.t)
            assert abs(abs(worth(row, as_of, half_life)) - expected) < 1e-9


def worth(row: Row, at: int, half_life: int) -> float:
    return row.weight * exp2((row.t - at) / half_life)


@given(st.lists(st.sampled_from(sorted(DEFAULT.rules)), max_size=120), st.integers(1, 200))
def test_slots_are_either_listed_or_free(types, hours):
    """No slot leaks, none is used twice, and evidence is kept for what may be a reason and nothing else."""
    ada = Contact(replace(DEFAULT, rules={type_: replace(rule, per_day=None) for type_, rule in DEFAULT.rules.items()}))
    for number, type_ in enumerate(types):
        ada.does(type_, 0, number * hours)
        state = ada.state
        listed = b"".join([*state.rings, *state.strongest])
        assert set(listed).isdisjoint(state.free)
        assert set(listed) | set(state.free) == set(range(len(state.codes)))
        assert len(set(state.free)) == len(state.free)
        assert state.evidence.keys() == set(b"".join(state.strongest))
        assert all(len(ring) <= RING and len(set(ring)) == len(ring) for ring in state.rings)
        assert all(time_of(state, slot) <= state.as_of for slot in set(listed))
