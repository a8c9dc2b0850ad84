"""The domain gives, touchpoint by touchpoint, what the naive model of the contract gives.

The model (tests/model) was written from the contract alone, by someone who had not read the domain. The long form of these
tests, which can run the `palier replay` command as well, is `python -m model.compare --help` in tests/.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import histories
from model.compare import compare_fold, compare_replay, is_told, random_packs, rule_pack
from model.naive import milliseconds
from model.tables import DEFAULT, HOUR, KNOWING, TWINS, WARY_TWINS
from palier.packs import load_pack


def test_the_default_pack_is_the_table_of_the_contract():
    """Every number of the TOML is the number of the contract, transcribed a second time in tests/model/tables.py."""
    pack, table = load_pack(None), rule_pack(DEFAULT)
    assert pack.axes == table.axes
    assert pack.permission_channels == table.permission_channels
    assert [(tier.name, tier.enter, tier.leave, tier.distinct) for tier in pack.tiers] == [
        (tier.name, tier.enter, tier.leave, tier.distinct) for tier in table.tiers
    ]
    assert pack.rules == table.rules


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_default_pack_on_random_histories(seed: int):
    """Outcomes, tier changes, scores, reasons, and the next demotion after every touchpoint agree with the model."""
    report = compare_fold(histories.touchpoints(seed, 4_000), DEFAULT, pack=load_pack(None))
    assert report.differences == []
    assert report.changes > 4_000 / 30


@pytest.mark.parametrize("seed", range(6, 8))
def test_another_pack_on_random_histories(seed: int):
    """Nothing of the default pack is built into the fold: other tiers, ties of t*, tiers without a leave axis or with two."""
    report = compare_fold(histories.touchpoints(seed, 4_000), TWINS)
    assert report.differences == []
    assert report.changes > 4_000 / 30


def test_states_that_are_stored_between_touchpoints():
    """A state that goes through its encoding before every touchpoint answers like one that stayed in memory."""
    report = compare_fold(histories.touchpoints(8, 4_000), DEFAULT, codec=True)
    assert report.differences == []


@pytest.mark.parametrize("table", [DEFAULT, TWINS], ids=["default", "twins"])
def test_timers_between_touchpoints(table):
    """Demotions that timers take, early ones too, and touchpoints that arrive after them agree with the model."""
    report = compare_fold(histories.touchpoints(9, 4_000), table, timers=9)
    assert report.differences == []


@pytest.mark.parametrize(
    ("seed", "table", "how"),
    [(11, DEFAULT, {}), (12, DEFAULT, {"codec": True, "timers": 12}), (13, TWINS, {"codec": True}), (14, TWINS, {"timers": 14})],
)  # fmt: skip
def test_newer_packs_in_the_middle(seed, table, how):
    """Whatever a newer pack changes, and whoever meets it when: the same changes at the same moments as the model's."""
    log = histories.touchpoints(seed, 4_000)
    report = compare_fold(log, table, newer_packs=random_packs(seed, len(log), 8, table), **how)
    assert report.differences == []
    assert report.causes["pack"] > 20
    assert report.guesses < len({touchpoint["contact_id"] for touchpoint in log}) / 3


@settings(deadline=None)  # a history of 120 touchpoints is slow where the machine is busy
@given(seed=st.integers(0, 2**32), touchpoints=st.integers(2, 120), packs=st.integers(1, 6), timers=st.booleans())
def test_newer_packs_at_any_moment(seed, touchpoints, packs, timers):
    """Few touchpoints and many packs: contacts who never meet some of them, or meet one and nothing else."""
    log = histories.touchpoints(seed, touchpoints, contacts=2)
    newer_packs = random_packs(seed, touchpoints, min(packs, touchpoints - 1), TWINS)
    report = compare_fold(log, TWINS, newer_packs=newer_packs, codec=True, timers=seed if timers else None)
    assert report.differences == []


@pytest.mark.parametrize("until", [False, True], ids=["to the end of the log", "until a time after it"])
def test_the_replay_command_prints_the_models_chain(until, tmp_path):
    """`palier replay` prints every tier change of the model, no other, in order of arrival, its numbers floored."""
    report = compare_replay(histories.touchpoints(10, 3_000), tmp_path, until=until)
    assert report.differences == []
    assert report.changes > 3_000 / 30


# --- packs that say whom to trust -----------------------------------------------------------------------------------------

knowing = pytest.mark.skipif(not is_told("evidence"), reason="the domain does not judge touchpoints yet")


@knowing
@pytest.mark.parametrize(
    ("seed", "table", "how"),
    [
        (21, KNOWING, {}),
        (22, KNOWING, {"codec": True}),
        (23, KNOWING, {"codec": True, "timers": 23}),
        (24, WARY_TWINS, {}),
        (25, WARY_TWINS, {"codec": True, "timers": 25}),
    ],
)
def test_whom_to_trust(seed, table, how):
    """Verdicts, evidence, what is taken back, and all that follows from it agree with the model."""
    report = compare_fold(histories.touchpoints(seed, 4_000), table, **how)
    assert report.differences == []
    assert min(report.verdicts[verdict] for verdict in ("human", "suspect", "bot")) > 20
    assert report.taken_back["taken_back"] > 50
    assert report.taken_back["not_reversible"] > 20
    assert report.causes["reversal"] > 3
    assert report.guesses < 20


@knowing
@pytest.mark.parametrize(("seed", "table"), [(26, KNOWING), (27, WARY_TWINS), (28, KNOWING), (29, WARY_TWINS)])
def test_newer_packs_that_trust_others(seed, table):
    """Whatever a newer pack changes of it: memories, entries and places in the rings are kept as the contract says."""
    log = histories.touchpoints(seed, 4_000)
    report = compare_fold(log, table, newer_packs=random_packs(seed, len(log), 8, table), codec=True, timers=seed)
    assert report.differences == []
    assert report.causes["pack"] > 20
    assert report.causes["reversal"] > 3
    assert report.guesses < len({touchpoint["contact_id"] for touchpoint in log}) / 3


@knowing
@settings(deadline=None)
@given(seed=st.integers(0, 2**32), touchpoints=st.integers(2, 150), packs=st.integers(1, 6), timers=st.booleans())
def test_newer_packs_that_trust_others_at_any_moment(seed, touchpoints, packs, timers):
    """Few touchpoints and many packs."""
    log = histories.touchpoints(seed, touchpoints, contacts=1)
    newer_packs = random_packs(seed, touchpoints, min(packs, touchpoints - 1), KNOWING)
    report = compare_fold(log, KNOWING, newer_packs=newer_packs, codec=True, timers=seed if timers else None)
    assert report.differences == []


# --- minimal histories of differences that were once found ----------------------------------------------------------------


def history(*steps: tuple[float, str]) -> list[dict]:
    """Touchpoints of one contact by e-mail: (hours since the start, type)."""
    start = milliseconds("2024-01-01T00:00:00Z")
    basis = {"source": "test", "channel": "email", "contact_id": "ada"}
    return [
        basis | {"id": str(number), "type": type_, "occurred_at": round(start + hours * HOUR)}
        for number, (hours, type_) in enumerate(steps)
    ]


def test_after_a_late_zero_who_was_not_among_the_five_is_no_reason():
    """Five great contributions are void, a smaller one is newer than the zero: it scores, and nobody remembers it."""
    log = history(
        (0, "consent.granted"),
        (1, "webinar.attended"),
        (2, "form.submitted"),
        (25, "form.submitted"),
        (26, "chat.started"),
        (27, "email.replied"),
        (60, "game.played"),
        (59, "email.complained"),
    )
    assert compare_fold(log).differences == []


def test_what_fell_out_of_the_ring_is_no_reason_for_a_conversion():
    """A late order leaves 16 small signals of 22 points; the quote before them, newer than the order, is forgotten with its 40."""
    signals = [(24 + hour, "product.viewed") for hour in range(8)] + [
        (24 + hour, "product.searched") for hour in range(3)
    ]
    signals += [(48 + hour, "product.viewed") for hour in range(5)]
    log = history((2, "consent.granted"), (3, "quote.requested"), *signals, (1, "order.completed"))
    report = compare_fold(log)
    assert report.differences == []
    assert report.causes["conversion"] == 1


@pytest.mark.parametrize("chats", [1, 2])
def test_what_fell_out_of_the_ring_is_no_reason_after_a_reset(chats):
    """The first chat is newer than the late zero, but 16 came after it: the zero forgets it, not its equal of that time."""
    pages = [(24 * day + hour, "page.viewed") for day in (1, 2) for hour in range(8)]
    log = history((2, "consent.granted"), *[(3, "chat.started")] * chats, *pages[chats - 1 :], (1, "email.complained"))
    report = compare_fold(log)
    assert report.differences == []
    assert report.causes["inactivity"] == 1
