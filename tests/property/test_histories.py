"""The random histories must be worth comparing on: they reach everything, and no rule can change without their noticing."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from model import histories, naive
from model.compare import newest
from model.naive import NaiveModel
from model.tables import DAY, DEFAULT_TYPES

OUTCOMES = {"scored", "noted", "capped", "duplicate", "late", "erased", "unknown"}
CAUSES = {"touchpoint", "inactivity", "conversion", "permission", "erasure"}

# Each pair turns one rule of the model into a plausible misreading of it.
MISREADINGS = {
    "1: ids without their source": (
        '(source, id_) == (touchpoint["source"], touchpoint["id"])',
        'id_ == touchpoint["id"]',
    ),
    "1: a duplicate's id is never forgotten by age": ("if not entry[2] < life.as_of - LATE_AFTER]", "]"),
    "1: one id fewer is remembered": ("REMEMBERED_IDS = 128", "REMEMBERED_IDS = 127"),
    "1: one id more is remembered": ("REMEMBERED_IDS = 128", "REMEMBERED_IDS = 129"),
    "2: the moment of the erasure is after it": ("if t <= contact.erased_at:", "if t < contact.erased_at:"),
    "2: a bot wakes": ("human_grant = bool(rule.grants) and not bot", "human_grant = bool(rule.grants)"),
    "2: anything wakes": ("human_grant = bool(rule.grants) and not bot", "human_grant = True"),
    "2: a withdrawal does not move the erasure": ("if rule.erases or rule.withdraws:", "if rule.erases:"),
    "2: a second erasure does not move the first": ("if rule.erases or rule.withdraws:", "if rule.withdraws:"),
    "2: a bot's withdrawal does not move the erasure": (
        "if rule.erases or rule.withdraws:",
        "if (rule.erases or rule.withdraws) and not bot:",
    ),
    "3: a demotion due now waits": ("if t_star > until:", "if t_star >= until:"),
    "3: demotions are not taken first": ("if contact.life and t > contact.life.as_of:", "if False:"),
    "3: the last tier due goes first": ("earliest = min(due.values())", "earliest = max(due.values())"),
    "3: rounded down": ("math.ceil(", "math.floor("),
    "4: a late erasure happens at its own time": (
        "at = max(t, contact.life.as_of) if contact.life else t",
        "at = t",
    ),
    "4: the sequence begins anew": (
        "contact.erased_at = at\n",
        "contact.erased_at = at\n        contact.sequence = 0\n",
    ),
    "4: a bot does not erase": (
        "if rule.erases:\n            return",
        "if rule.erases and not bot:\n            return",
    ),
    "5: a bot grants": ("if not bot:\n            life.granted", "if True:\n            life.granted"),
    "5: a bot does not withdraw": ("life.withdrawn += [", "life.withdrawn += [] if bot else ["),
    "5: on a tie the grant wins": (
        "== channel)\n            > max(",
        "== channel)\n            >= max(",
    ),
    "5: the last arrived wins": (
        "max(t for c, t in life.granted if c == channel)",
        "[t for c, t in life.granted if c == channel][-1]",
    ),
    "5: a late grant is no grant": (
        "if not bot:\n            life.granted",
        "if not bot and t >= life.as_of - LATE_AFTER:\n            life.granted",
    ),
    "5: @ is the e-mail": (
        'life.granted += [(touchpoint["channel"] if',
        'life.granted += [("email" if',
    ),
    "5: * withdraws nothing": ('if c in (channel, "*")', "if c == channel"),
    "5: the web is leave to market": (
        "return any(channel in self.table.permission_channels for",
        'return any(channel in self.table.permission_channels | {"web"} for',
    ),
    "6: the clock goes back": ("self._decay(life, max(life.as_of, t))", "self._decay(life, t)"),
    "7: late at exactly 7 d": ("late = t < life.as_of - LATE_AFTER", "late = t <= life.as_of - LATE_AFTER"),
    "7: never late": ("late = t < life.as_of - LATE_AFTER", "late = False"),
    "8: the day's cap is one higher": ("len(same_day) >= rule.per_day", "len(same_day) > rule.per_day"),
    "8: the object's cap is one higher": (") >= rule.per_object", ") > rule.per_object"),
    "8: an object's cap holds for all days": (
        "return len([entry for entry in same_day if",
        "return len([entry for entry in life.scored if entry[0] == touchpoint['type'] and",
    ),
    "8: no object is an object too": (
        "if rule.per_object is None or object_id is None:",
        "if rule.per_object is None:",
    ),
    "8: the day of arrival counts": ("entry[1] == day_of(t)]", "entry[1] == day_of(life.as_of)]"),
    "8: bots use caps": ("elif not rule.weights or bot:", "elif not rule.weights:"),
    "9: a bot resets": ("if not bot:\n                for axis in", "if True:\n                for axis in"),
    "9: a late order resets nothing": (
        "if not bot:\n                for axis in",
        "if not bot and not late:\n                for axis in",
    ),
    "9: a capped order resets nothing": (
        "if not bot:\n                for axis in",
        "if not bot and outcome != 'capped':\n                for axis in",
    ),
    "9: no slack": ("RESET_SLACK = 5 * MINUTE", "RESET_SLACK = 0"),
    "9: an older reset undoes a newer one": ("if reset_at <= life.reset_at[axis]:", "if False:"),
    "9: a reset clears the axis": (
        "life.scores[axis] = min(life.scores[axis], max(0.0, left))",
        "life.scores[axis] = 0.0",
    ),
    "9: a reset may raise the axis": (
        "life.scores[axis] = min(life.scores[axis], max(0.0, left))",
        "life.scores[axis] = max(0.0, left)",
    ),
    "9: a reset may leave less than nothing": (
        "life.scores[axis] = min(life.scores[axis], max(0.0, left))",
        "life.scores[axis] = min(life.scores[axis], left)",
    ),
    "9: the ring is one shorter": ("RING = 16", "RING = 15"),
    "9: the ring is one longer": ("RING = 16", "RING = 17"),
    "9: what the reset voids stays out of the ring": (
        "life.contributions.append(contribution)  #",
        "life.contributions += [contribution] if t > life.reset_at[axis] else []  #",
    ),
    "9: the moment of the reset is after it": (
        "if t > life.reset_at[axis]:\n                life.scores",
        "if t >= life.reset_at[axis]:\n                life.scores",
    ),
    "9: old contributions survive at their edge": ("if c.t > reset_at)", "if c.t >= reset_at)"),
    "9: void contributions count": (
        "if t > life.reset_at[axis]:\n                life.scores",
        "if True:\n                life.scores",
    ),
    "9: no floor at 0": ("max(0.0, life.scores[axis] + self._worth", "(life.scores[axis] + self._worth"),
    "9: late arrivals are worth their full weight": (
        "life.scores[axis] + self._worth(contribution, life.as_of))",
        "life.scores[axis] + contribution.weight)",
    ),
    "9: 60 per cent is critical": ("rating < rule.critical_below", "rating <= rule.critical_below"),
    "9: no rating is critical": (
        "rating is not None and rating < rule.critical_below",
        "(rating or 0) < rule.critical_below",
    ),
    "10: leaves below its threshold only": (
        "all(life.scores[axis] > leave for",
        "all(life.scores[axis] >= leave for",
    ),
    "10: enters above its threshold only": (
        "all(life.scores[axis] >= enter for",
        "all(life.scores[axis] > enter for",
    ),
    "10: axes without a leave threshold are tested too": (
        "if name in life.earned:",
        "if name in life.earned and all(life.scores[axis] > 1 for axis in tier.enter):",
    ),
    "10: no hysteresis": ("if name in life.earned:", "if False:"),
    "10: one kind is distinct enough": (
        "len(kinds) >= tier.distinct.at_least",
        "len(kinds) >= tier.distinct.at_least - 1",
    ),
    "10: the window's edge is inside": (
        "c.weight > 0 and c.t > edge]",
        "c.weight > 0 and c.t >= edge]",
    ),
    "10: removals are distinct too": ("and c.weight > 0 and", "and"),
    "10: voided kinds are distinct too": (
        "edge = max(life.as_of - tier.distinct.window_ms, life.reset_at[tier.distinct.axis])",
        "edge = life.as_of - tier.distinct.window_ms",
    ),
    "11: a conversion is no cause": ("if lost_leave_axes & set(rule.resets):", "if False:"),
    "11: every reset converts": ("lost_leave_axes & set(rule.resets)", "rule.resets"),
    "11: zero converts too": (
        "lost_leave_axes & set(rule.resets)",
        "lost_leave_axes & set(self.table.half_lives if rule.zero else rule.resets)",
    ),
    "11: permission comes after conversion": (
        "if gate_before != self._gate_is_open(contact):",
        "if gate_before != self._gate_is_open(contact) and not rule.zero:",
    ),
    "11: at the touchpoint's time": (
        "held, life.as_of, cause, touchpoint)",
        'held, milliseconds(touchpoint["occurred_at"]) if touchpoint else life.as_of, cause, touchpoint)',
    ),
    "reasons: void ones too": ("if c.axis in axes and c.t > life.reset_at[c.axis] and", "if c.axis in axes and"),
    "reasons: forgotten ones too": (" and not c.forgotten", ""),
    "reasons: of every axis": ("if c.axis in axes and", "if"),
    "reasons: of greatest signed worth": (
        "alive.sort(key=lambda c: (abs(self._worth(c, life.as_of)), c.t)",
        "alive.sort(key=lambda c: (self._worth(c, life.as_of), c.t)",
    ),
    "reasons: the ring of 16 only": (
        "alive.sort(",
        "alive = [c for c in alive if c in [d for d in life.contributions if d.axis == c.axis][-RING:]]\n        alive.sort(",
    ),
}


@pytest.fixture(scope="module")
def logs() -> list[list[dict]]:
    """Five logs of 4 000 touchpoints."""
    return [histories.touchpoints(seed, 4_000) for seed in range(1, 6)]


def test_every_outcome_and_every_cause_occurs_and_tiers_change_often(logs):
    """Each log alone has all outcomes and causes, up, down and lateral, every tier, and a change in 30 touchpoints."""
    for log in logs:
        model = NaiveModel()
        outcomes, causes, directions, tiers, answered = Counter(), Counter(), Counter(), Counter(), Counter()
        for touchpoint in log:
            outcome, changes = model.feed(touchpoint)
            outcomes[outcome] += 1
            answered[touchpoint["type"]] += outcome not in ("duplicate", "erased")
            causes.update(change["cause"] for change in changes)
            directions.update(change["direction"] for change in changes)
            tiers.update(change["to"] for change in changes)
        assert outcomes.keys() == OUTCOMES
        assert causes.keys() == CAUSES
        assert directions.keys() == {"up", "down", "lateral"}
        assert tiers.keys() == {"unengaged", *model.table.tiers}
        assert answered.keys() == {*DEFAULT_TYPES, *histories.UNKNOWN_TYPES}
        assert min(answered.values()) > 0
        assert causes.total() > len(log) / 30


def test_a_seed_always_makes_the_same_log_and_another_seed_another(logs, tmp_path: Path):
    """A difference can be found again by its seed, in a file as well."""
    assert histories.touchpoints(1, 4_000) == logs[0]
    assert logs[0] != logs[1]
    histories.write_jsonl(tmp_path / "log.jsonl", logs[0])
    with (tmp_path / "log.jsonl").open(encoding="utf-8") as file:
        assert [json.loads(line) for line in file] == logs[0]


@pytest.mark.parametrize("misreading", MISREADINGS)
def test_the_histories_notice_every_misreading_of_a_rule(misreading: str, logs, monkeypatch: pytest.MonkeyPatch):
    """With one rule misread the model answers at least one of the logs differently; so would a domain that misreads it."""
    rule, misread = MISREADINGS[misreading]
    source = Path(naive.__file__).read_text(encoding="utf-8")
    assert source.count(rule) == 1
    mutant = ModuleType("model.mutant")
    monkeypatch.setitem(sys.modules, mutant.__name__, mutant)  # dataclasses look their module up
    exec(compile(source.replace(rule, misread), misreading, "exec"), mutant.__dict__)
    assert any(notices(log, NaiveModel(), mutant.NaiveModel()) for log in logs)


def notices(log: list[dict], model: NaiveModel, other: NaiveModel) -> bool:
    """Whether the two models answer this log differently."""
    for touchpoint in log:
        outcome, changes = model.feed(touchpoint)
        other_outcome, other_changes = other.feed(touchpoint)
        if (outcome, changes) != (other_outcome, other_changes):
            return True
    until = newest(log) + 40 * DAY
    return model.expire_all(until) != other.expire_all(until)
