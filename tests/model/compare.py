"""The domain, or the whole `palier replay` command, beside the naive model, change by change.

In `tests/`:  python -m model.compare --seeds 1..20 --touchpoints 60000 [--replay] [--pack PACK] [--codec] [--timers]
                         [--pack-change N]

Exit code 0: no difference; 1: differences, printed with the seed and the place in the log.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from model import histories
from model.naive import CRAWLERS, NEVER, NaiveModel, milliseconds, money
from model.newer import newer
from model.pack_file import pack_file
from model.tables import DAY, DEFAULT, KNOWING, PLAIN, TWINS, WARY_TWINS, Table
from model.zones import offset_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from model.naive import Contact, Life, Told

PACKS = {"default": DEFAULT, "twins": TWINS, "plain": PLAIN, "knowing": KNOWING, "wary-twins": WARY_TWINS}
MUST_BE_EQUAL = (
    "contact_id", "sequence", "from", "to", "direction", "gained", "lost", "occurred_at", "cause", "touchpoint_id",
    "touchpoint_source", "evidence", "held", "channels", "thresholds", "best_hour", "channel",
)  # fmt: skip
MAY_BE_ABSENT = {
    "evidence": [], "held": [], "channels": [], "scores": {}, "thresholds": {}, "reasons": [], "best_hour": None,
    "channel": None,
}  # fmt: skip
"""What a change that is told in short leaves out."""
KEEPS_VALUE = False
"""Whether the domain counts orders and refunds yet."""
GIVES_POINTS = False
"""Whether it gives points and badges yet."""
ROUNDING = 1e-9
"""Two orders of adding the same floats agree far better than this; a wrong weight or half-life does not."""


@dataclass
class Report:
    """What one log showed."""

    differences: list[str] = field(default_factory=list)
    touchpoints: int = 0
    guesses: int = 0
    """Contacts of whom the contract does not say all: after a newer pack that may show, and they are compared no more."""
    changes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)
    badges: Counter[str] = field(default_factory=Counter)
    taken_back: Counter[str] = field(default_factory=Counter)

    def add(self, told: Told) -> None:
        """Count what one outcome says."""
        self.verdicts[told.verdict] += 1
        self.evidence.update(told.evidence)
        self.badges.update(badge["badge"] for badge in told.badges)
        self.taken_back += Counter(taken_back=told.taken_back, not_reversible=told.not_reversible)

    @property
    def in_reasons(self) -> int:
        """How many of the differences are in nothing but the reasons of a change."""
        return len([difference for difference in self.differences if ": reason" in difference])


# --- the model's side into the product's values ---------------------------------------------------------------------------


def rule_pack(table: Table, version: int = 1):
    """The table as the domain's rule pack, read from its file."""
    from palier.packs import parse_pack

    # No file says so, but the fold can do it: a tier that is never left.
    lawful = {
        name: replace(tier, leave=tier.leave or {axis: limit / 2 for axis, limit in tier.enter.items()})
        for name, tier in table.tiers.items()
    }
    pack = parse_pack(pack_file(replace(table, tiers=lawful), "model", version), "the model's pack")
    return replace(pack, tiers=tuple(replace(tier, leave=dict(table.tiers[tier.name].leave)) for tier in pack.tiers))


def domain_touchpoint(touchpoint: dict):
    """The JSON object as the domain's value; null is absent."""
    from palier.domain.touchpoint import Touchpoint

    known = {
        "crawler": touchpoint.get("user_agent") in CRAWLERS,
        "timezone": touchpoint.get("timezone"),
        "properties": touchpoint.get("properties"),
        "value": touchpoint.get("value") and (touchpoint["value"]["amount"], touchpoint["value"]["currency"]),
    }
    return Touchpoint(
        id=touchpoint["id"],
        source=touchpoint["source"],
        type=touchpoint["type"],
        channel=touchpoint["channel"],
        contact_id=touchpoint["contact_id"],
        occurred_at=milliseconds(touchpoint["occurred_at"]),
        object_id=touchpoint.get("object_id"),
        campaign_id=touchpoint.get("campaign_id"),
        rating=touchpoint.get("rating"),
        bot=touchpoint.get("bot") is True,
        **{name: value for name, value in known.items() if name in Touchpoint.__dataclass_fields__},
    )


def change_dict(change) -> dict:
    """The domain's tier change with the contract's names."""
    as_dict = asdict(change)
    as_dict["from"], as_dict["to"] = as_dict.pop("from_tier"), as_dict.pop("to_tier")
    return MAY_BE_ABSENT | {name: list(value) if isinstance(value, tuple) else value for name, value in as_dict.items()}


def printed_change_dict(line: bytes) -> dict:
    """A line of `palier replay` with its times as ms; what an erasure leaves out is empty."""
    change = MAY_BE_ABSENT | json.loads(line)
    change["occurred_at"] = milliseconds(change["occurred_at"])
    change["reasons"] = [reason | {"occurred_at": milliseconds(reason["occurred_at"])} for reason in change["reasons"]]
    return change


@cache
def is_told(member: str) -> bool:
    """Whether the domain's tier changes have the member yet."""
    from palier.domain.outcome import TierChange

    return member in {"from", "to", "recorded_at", *TierChange.__dataclass_fields__}


# --- one change beside the other ------------------------------------------------------------------------------------------


def differences(expected: dict, actual: dict, *also: str) -> Iterator[str]:
    """What the product's change says otherwise than the model's; `also`: members that only this side of the product has."""
    for name in (*MUST_BE_EQUAL, *also):
        if expected[name] != actual[name] and is_told(name):
            yield f"{name}: model {expected[name]!r}, product {actual[name]!r}"
    if expected["scores"].keys() != actual["scores"].keys():
        yield f"scores: model {expected['scores']}, product {actual['scores']}"
    else:
        for axis, score in expected["scores"].items():
            if not _is_floored(score, actual["scores"][axis]):
                yield f"score of {axis}: model {score!r}, product {actual['scores'][axis]!r}"
    yield from _reason_differences(expected, actual["reasons"])


def _reason_differences(expected: dict, actual: list[dict]) -> Iterator[str]:
    """Place by place a contribution of the worth the model has there; among equals any order and choice will do.

    (That the newer of two equals comes first shows only where two times and weights give the same worth to the last bit.)
    """
    if expected["reason_pool"] is None:  # nobody can say which are remembered
        return
    if len(actual) != len(expected["reasons"]):
        yield f"reasons: model {expected['reasons']}, product {actual}"
        return
    unused = list(expected["reason_pool"])
    for place, (reason, wanted) in enumerate(zip(actual, expected["reasons"], strict=True)):
        alike = [candidate for candidate in unused if _is_same_reason(candidate, reason)]
        if not alike or abs(abs(alike[0]["worth"]) - abs(wanted["worth"])) > ROUNDING:
            yield f"reason {place}: model {wanted}, product {reason}"
            return
        unused.remove(alike[0])


def _is_same_reason(expected: dict, actual: dict) -> bool:
    return expected.keys() == actual.keys() and all(
        _is_floored(expected[name], actual[name]) if name in ("worth", "weight") else expected[name] == actual[name]
        for name in expected
    )


def _is_floored(exact: float, floored: float) -> bool:
    """Floored to 4 decimals, not rounded. A rounding error may lie on either side of the last digit's edge."""
    return floored in {math.floor((exact + error) * 10_000) / 10_000 for error in (-ROUNDING, 0, ROUNDING)}


def outcome_differences(expected: Told, actual) -> Iterator[str]:
    """What the outcome says beside its name and its changes."""
    for name, value in asdict(expected).items():
        given = getattr(actual, name, value)  # a domain that knows the member says it always
        if isinstance(given, tuple):
            given = [asdict(one) if is_dataclass(one) else one for one in given]
            given = [one | {"badges": list(one["badges"])} if "badges" in one else one for one in given]
        if value != given:
            yield f"{name}: model {value!r}, product {given!r}"


def state_differences(model: NaiveModel, contact: Contact, state) -> Iterator[str]:
    """Clock, scores, resets and tiers, told or not."""
    life, axes = contact.life, model.table.half_lives
    if life is None or life.table is not model.table:
        return
    if state.as_of != life.as_of:
        yield f"as_of: model {life.as_of}, product {state.as_of}"
    for axis, score in zip(axes, state.scores, strict=True):
        if abs(score - life.scores[axis]) > ROUNDING * max(1, score):
            yield f"score of {axis} in the state: model {life.scores[axis]!r}, product {score!r}"
    for axis, reset_at in zip(axes, state.reset_at, strict=True):
        if life.reset_at[axis] != (reset_at if reset_at >= 0 else NEVER):
            yield f"reset of {axis}: model {life.reset_at[axis]}, product {reset_at}"
    earned = [name for rank, name in enumerate(model.table.tiers) if state.earned >> rank & 1]
    if set(earned) != life.earned:
        yield f"earned: model {sorted(life.earned)}, product {earned}"
    if is_told("evidence"):
        entered_at = [life.entered_at[name] for name in earned if name in life.entered_at]
        if list(state.entered) != entered_at:
            yield f"entered: model {life.entered_at}, product {state.entered}"
        if len(state.messages) != len(life.messages):
            yield f"messages: model {len(life.messages)}, product {len(state.messages)}"
    if is_told("best_hour"):
        bins, actual_bins = sorted(life.bins.values()), sorted(map(_bins, state.hours.values()))
        if bins != actual_bins:
            yield f"hours: model {life.bins}, product {actual_bins}"
        reach = sorted(256 * life.delivered[channel] + life.engaged[channel] for channel in life.delivered)
        if reach != sorted(state.reach.values()):
            yield f"reach: model {life.delivered} {life.engaged}, product {state.reach}"
    if GIVES_POINTS and state.points != life.points:
        yield f"points: model {life.points}, product {state.points}"
    if KEEPS_VALUE:
        yield from _value_differences(life, state.value)


def _value_differences(life: Life, stored: list) -> Iterator[str]:
    """Orders, refunds, the first order and how long after it the last, and per currency what was spent."""
    orders, refunds, first, span, currencies = stored or (0, 0, None, None, {})
    expected = [len(life.orders), len(life.refunds)]
    actual = [orders, refunds]
    if life.orders:
        expected += [min(life.orders), max(life.orders) - min(life.orders)]
        actual += [first, span]
    expected.append({
        currency: [spent.orders, money(spent.revenue, 9), spent.refunds, money(spent.refunded, 9)]
        for currency, spent in life.spent.items()
    })  # fmt: skip
    actual.append({currency: list(spent) for currency, spent in currencies.items()})
    if expected != actual:
        yield f"value: model {expected}, product {actual}"


def _bins(stored: bytes) -> list[int]:
    """The 24 of a channel; behind the hour last sampled, one byte for each that is not empty, or all of them."""
    if len(stored) == 2 + 24:
        return list(stored[2:])
    few = {byte // 8: byte % 8 for byte in stored[2:]}
    return [few.get(hour, 0) for hour in range(24)]


# --- a whole log ----------------------------------------------------------------------------------------------------------


def compare_fold(
    log: list[dict],
    table: Table = DEFAULT,
    *,
    pack=None,
    codec: bool = False,
    timers: int | None = None,
    newer_packs: Mapping[int, Table] | None = None,
) -> Report:
    """Fold the log with domain and model.

    Args:
        log: touchpoints in order of arrival.
        table: the model's pack.
        pack: the domain's pack; the table's if not given.
        codec: encode and decode the state before every touchpoint, as the worker's store does.
        timers: seed for timers that take demotions between touchpoints, some too early for what arrives after them.
        newer_packs: place in the log -> the pack that is in force from there on.
    """
    from palier.domain.demotion import expire, next_demotion_at
    from palier.domain.fold import fold
    from palier.domain.state import ContactState

    if codec:
        from palier.contracts.contact_state import decode_state, encode_state

    pack = pack or rule_pack(table)
    newer_packs = newer_packs or {}
    model, states, report = NaiveModel(table), {}, Report()
    chance = random.Random(timers)

    def is_left_out(contact_id: str) -> bool:
        return model.contacts[contact_id].is_anybodys_guess

    def compare(place: str, expected: list[dict], actual: Iterable) -> None:
        if is_left_out(contact_id):
            return
        report.changes += len(expected)
        report.causes.update(change["cause"] for change in expected)
        report.differences += pairwise(place, expected, map(change_dict, actual), "since")

    for number, touchpoint in enumerate(log):
        if number in newer_packs:
            model.table = newer_packs[number]
            pack = rule_pack(model.table, pack.version + 1)
        contact_id = touchpoint["contact_id"]
        state = states.setdefault(contact_id, ContactState.new())
        if codec:
            state = states[contact_id] = decode_state(encode_state(state))
        if timers is not None and contact_id in model.contacts and chance.random() < 0.05:
            until = milliseconds(touchpoint["occurred_at"]) + chance.randint(-DAY, 10 * DAY)
            expected = model.expire_contact(contact_id, until)
            compare(f"timer {until} before touchpoint {number}", expected, expire(state, contact_id, until, pack))
        outcome, expected = model.feed(touchpoint)
        zones = (offset_ms,) if is_told("best_hour") else ()
        actual = fold(state, domain_touchpoint(touchpoint), pack, *zones)
        report.outcomes[outcome] += 1
        if is_left_out(contact_id):
            continue
        place = f"touchpoint {number} {json.dumps(touchpoint, ensure_ascii=False)}"
        if outcome != actual.name:
            report.differences.append(f"{place}: outcome: model {outcome}, product {actual.name}")
        report.differences += [f"{place}: {difference}" for difference in outcome_differences(model.told, actual)]
        report.add(model.told)
        compare(place, expected, actual.changes)
        contact = model.contacts[contact_id]
        report.differences += [f"{place}: {difference}" for difference in state_differences(model, contact, state)]
        if (state.sequence, state.is_erased) != (contact.sequence, contact.is_erased):
            report.differences.append(f"{place}: state: sequence {state.sequence}, erased {state.is_erased}")
        if next_demotion_at(state, pack) != model.next_demotion_at(contact_id):
            expected_at, actual_at = model.next_demotion_at(contact_id), next_demotion_at(state, pack)
            report.differences.append(f"{place}: next demotion: model {expected_at}, product {actual_at}")
    report.touchpoints = len(log)
    report.guesses = sum(map(is_left_out, states))

    until = newest(log) + 40 * DAY
    for contact_id, state in states.items():
        expected = model.expire_contact(contact_id, until)
        compare(f"until {until}, {contact_id}", expected, expire(state, contact_id, until, pack))
    return report


def compare_replay(log: list[dict], folder: Path, *, until: bool) -> Report:
    """Run `palier replay` on the log in a process of its own and compare its lines, all of them, in their order."""
    file, end = folder / "touchpoints.jsonl", newest(log) + 40 * DAY
    histories.write_jsonl(file, log)
    command = [sys.executable, "-m", "palier_cli", "replay", str(file)]
    if until:
        command += ["--until", rfc3339(end)]
    result = subprocess.run(command, capture_output=True, check=False)
    report = Report(touchpoints=len(log))
    if result.returncode != 0 or result.stderr:
        report.differences.append(f"exit code {result.returncode}, {result.stderr[-2000:].decode()}")

    model, expected, clock = NaiveModel(), [], 0
    for touchpoint in log:
        outcome, changes = model.feed(touchpoint)
        clock = max(clock, milliseconds(touchpoint["occurred_at"]))
        report.outcomes[outcome] += 1
        expected += [change | {"recorded_at": rfc3339(clock)} for change in changes]
    if until:
        expected += [change | {"recorded_at": rfc3339(end)} for change in model.expire_all(end)]
    report.causes.update(change["cause"] for change in expected)
    report.changes = len(expected)
    actual = map(printed_change_dict, result.stdout.splitlines())
    report.differences += pairwise("replay", expected, actual, "recorded_at")
    return report


def pairwise(place: str, expected: Iterable[dict], actual: Iterable[dict], *also: str) -> Iterator[str]:
    """Differences of two chains, change by change."""
    for wanted, given in itertools.zip_longest(expected, actual):
        if wanted is None or given is None:
            yield f"{place}: only {'the product' if wanted is None else 'the model'}: {wanted or given}"
            return
        for difference in differences(wanted, given, *also):
            yield f"{place}: {wanted['contact_id']} {wanted['sequence']}: {difference}"


def random_packs(seed: int, touchpoints: int, changes: int, table: Table) -> dict[int, Table]:
    """Each made of the one before, at random places of a log."""
    chance, packs = random.Random(f"packs {seed}"), {}
    for place in sorted(chance.sample(range(1, touchpoints), changes)):
        packs[place] = table = newer(table, chance)
    return packs


def newest(log: Iterable[dict]) -> int:
    """The largest occurred_at, in ms."""
    return max(milliseconds(touchpoint["occurred_at"]) for touchpoint in log)


def rfc3339(t: int) -> str:
    """YYYY-MM-DDTHH:MM:SS.mmmZ."""
    return f"{datetime.fromtimestamp(t // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{t % 1000:03}Z"


# --- the command ----------------------------------------------------------------------------------------------------------


def main() -> int:
    """The long form of tests/property/test_against_model.py."""
    parser = argparse.ArgumentParser(description="Compare the product with the naive model on random logs.")
    parser.add_argument("--seeds", default="1..5", help="FIRST..LAST, or one number")
    parser.add_argument("--touchpoints", type=int, default=20_000, help="per seed")
    parser.add_argument("--contacts", type=int, help="at once; default: one for every 100 touchpoints")
    parser.add_argument("--replay", action="store_true", help="run `palier replay` instead of the fold in this process")
    parser.add_argument(
        "--until", action="store_true", help="with --replay: give --until, 40 d after the newest touchpoint"
    )
    parser.add_argument("--pack", choices=PACKS, default="default", help="the fold's pack")
    parser.add_argument("--codec", action="store_true", help="encode and decode the state before every touchpoint")
    parser.add_argument(
        "--pack-change", type=int, default=0, metavar="N", help="N times per seed another pack takes over"
    )
    parser.add_argument("--timers", action="store_true", help="let timers take demotions between touchpoints")
    options = parser.parse_args()
    if options.replay and (options.pack != "default" or options.codec or options.timers or options.pack_change):
        parser.error("--replay goes with the default pack, and without --codec, --timers and --pack-change")

    first, _, last = options.seeds.partition("..")
    total, outcomes, causes, also = 0, Counter(), Counter(), Counter()
    for seed in range(int(first), int(last or first) + 1):
        started = time.perf_counter()
        log = histories.touchpoints(seed, options.touchpoints, options.contacts)
        if options.replay:
            with tempfile.TemporaryDirectory() as folder:
                report = compare_replay(log, Path(folder), until=options.until)
        else:
            timers = seed if options.timers else None
            table = PACKS[options.pack]
            newer_packs = random_packs(seed, options.touchpoints, options.pack_change, table)
            report = compare_fold(log, table, codec=options.codec, timers=timers, newer_packs=newer_packs)
        print(
            f"seed {seed}: {report.touchpoints} touchpoints, {report.changes} tier changes, "
            f"{len(report.differences)} differences, {report.in_reasons} of them in reasons, "
            f"{report.guesses} contacts left out, {time.perf_counter() - started:.1f} s",
            flush=True,
        )
        for difference in report.differences[:10]:
            print(f"  {difference}")
        total += len(report.differences)
        outcomes += report.outcomes
        causes += report.causes
        also += report.verdicts + report.evidence + report.taken_back + report.badges
    for name, counter in (("outcomes", outcomes), ("causes", causes), ("also", also)):
        print(f"{name} {dict(counter.most_common())}")
    print(f"{total} differences in all")
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(main())
