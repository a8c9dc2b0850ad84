"""What holds for every life: order, duplicates, sequence, demotions, storage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from domain_kit.contact import DEFAULT, START, Contact, snapshot
from domain_kit.lives import lives
from palier.contracts.contact_state import decode_state, encode_state
from palier.domain.demotion import expire, next_demotion_at
from palier.domain.fold import fold
from palier.domain.limits import DAY_MS
from palier.domain.state import ContactState
from palier.domain.touchpoint import Touchpoint

if TYPE_CHECKING:
    from palier.domain.pack import RulePack

UNCAPPED: RulePack = replace(
    DEFAULT,
    rules={
        type_: replace(rule, per_day=None, per_object=None)
        for type_, rule in DEFAULT.rules.items()
        if rule.weights and not rule.resets and all(points > 0 for points in rule.weights.values())
    },
)
"""The default pack without caps, losses and resets: in order of arrival only these act."""


def folded(life: list[Touchpoint], pack: RulePack = DEFAULT) -> Contact:
    contact = Contact(pack)
    for touchpoint in life:
        contact.arrives(touchpoint)
    return contact


@st.composite
def shuffled_weeks(draw: st.DrawFn) -> tuple[list[Touchpoint], list[Touchpoint]]:
    """The touchpoints of seven days in two orders of arrival."""
    types = draw(st.lists(st.sampled_from(sorted(UNCAPPED.rules)), min_size=1, max_size=40))
    week = [
        Touchpoint(f"t{number}", "shop", type_, "web", "ada", START + draw(st.integers(0, 7 * DAY_MS)), rating=80)
        for number, type_ in enumerate(types)
    ]
    return week, draw(st.permutations(week))


@given(shuffled_weeks())
def test_within_seven_days_the_order_of_arrival_does_not_change_scores(weeks):
    """Without caps, losses and resets, to a billionth."""
    one, other = (folded(week, UNCAPPED) for week in weeks)
    assert one.state.as_of == other.state.as_of
    for axis, score in one.scores().items():
        assert abs(score - other.scores()[axis]) <= 1e-9 * max(1, score)


@given(lives(), st.data())
def test_duplicates_change_nothing(life, data):
    """Each touchpoint redelivered at once, and one of the latest five again, leaves no trace, not even a late one.

    What was refused as erased is not remembered: it may count once the contact has woken.
    """
    once, twice, taken = Contact(), Contact(), []
    for touchpoint in life:
        once.arrives(touchpoint)
        if twice.arrives(touchpoint).name != "erased":
            taken = [*taken[-5:], touchpoint]
        for repeated in taken[-1:] + ([data.draw(st.sampled_from(taken))] if taken else []):
            outcome = twice.arrives(repeated)
            assert outcome.name in ("duplicate", "late", "erased", "unknown")
            assert outcome.changes == ()
        assert snapshot(once.state) == snapshot(twice.state)


@given(lives(), st.integers(0, 400))
def test_the_chain_of_changes_has_no_gap(life, days):
    """Sequence by one, from where the last one led to, held and headline as told, time never back."""
    contact = folded(life)
    contact.changes += expire(contact.state, "ada", contact.state.as_of + days * DAY_MS, DEFAULT)
    held, headline, moment, since = set(), "unengaged", -1, None
    for sequence, change in enumerate(contact.changes, start=1):
        assert change.sequence == sequence
        assert change.from_tier == headline
        assert set(change.gained).isdisjoint(held)
        assert set(change.lost) <= held
        assert change.gained or change.lost
        held = held - set(change.lost) | set(change.gained)
        assert set(change.held) == held
        assert change.occurred_at >= moment
        since = change.occurred_at if change.to_tier != headline else since
        assert change.since == since
        headline, moment = change.to_tier, change.occurred_at
        assert (change.direction == "lateral") == (change.from_tier == change.to_tier)
    assert contact.state.sequence == len(contact.changes)


@given(lives(), st.data())
def test_a_demotion_comes_at_the_same_time_whoever_notices_it(life, data):
    """Timers that fire anywhere between touchpoints, but not past the next, change nothing that is told or kept."""
    by_touchpoint, by_timer = Contact(), Contact()
    for number, touchpoint in enumerate(life):
        newest = max(t.occurred_at for t in life[: number + 1])
        if touchpoint.occurred_at == newest and by_timer.state.as_of >= 0:
            fires = data.draw(st.integers(by_timer.state.as_of, max(by_timer.state.as_of, newest)))
            by_timer.changes += expire(by_timer.state, "ada", fires, DEFAULT)
        by_timer.arrives(touchpoint)
        by_touchpoint.arrives(touchpoint)
        assert by_timer.changes == by_touchpoint.changes
        assert snapshot(by_timer.state) == snapshot(by_touchpoint.state)


@given(lives())
def test_after_expiring_nothing_is_due(life):
    """And up to the moment foretold nothing happens."""
    state = folded(life).state
    while (due := next_demotion_at(state, DEFAULT)) is not None:
        assert due >= state.as_of
        assert expire(state, "ada", due - 1, DEFAULT) == [] or due == state.as_of
        before = state.earned
        expire(state, "ada", due, DEFAULT)
        assert state.earned < before
    assert state.earned == 0


@given(lives(), st.data())
def test_storing_a_contact_anywhere_changes_nothing(life, data):
    """Encoded and decoded at any moments of her life, outcome by outcome and to the last byte."""
    kept, stored = ContactState.new(), ContactState.new()
    for touchpoint in life:
        if data.draw(st.booleans()):
            stored = decode_state(encode_state(stored))
        assert fold(kept, touchpoint, DEFAULT) == fold(stored, touchpoint, DEFAULT)
        assert encode_state(kept) == encode_state(stored)


@given(lives())
def test_scores_never_fall_below_zero(life):
    """At no moment of any life, and no number is anything but a number."""
    contact = Contact()
    for touchpoint in life:
        contact.arrives(touchpoint)
        assert all(0 <= score < 1e6 for score in contact.state.scores)


@given(lives())
@settings(max_examples=50)
def test_an_explanation_agrees_with_the_fold(life):
    """Held, headline, sequence and the next loss are those of the state."""
    contact = folded(life)
    explanation = contact.explained()
    assert explanation.sequence == contact.state.sequence
    assert explanation.headline == (contact.changes[-1].to_tier if contact.changes else "unengaged")
    assert set(explanation.held) == set(contact.changes[-1].held if contact.changes else ())
    losses = [tier.lost_at for tier in explanation.tiers if tier.lost_at is not None]
    assert min(losses, default=None) == contact.next_demotion_at
    for tier in explanation.tiers:
        if not tier.earned:
            assert not (tier.scores_suffice and tier.distinct_suffices)
