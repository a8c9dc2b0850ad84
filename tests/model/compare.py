"""The domain, or the whole `palier replay` command, beside the naive model, change by change.

In `tests/`:  python -m model.compare --seeds 1..20 --touchpoints 60000 [--replay] [--pack default|twins] [--codec] [--timers]
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
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from model import histories
from model.naive import NaiveModel, milliseconds
from model.newer import newer
from model.tables import DAY, DEFAULT, TWINS, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PACKS = {"default": DEFAULT, "twins": TWINS}
MUST_BE_EQUAL = (
    "contact_id", "sequence", "from", "to", "direction", "gained", "lost", "occurred_at", "cause", "touchpoint_id",
    "touchpoint_source", "held", "channels", "thresholds",
)  # fmt: skip
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

    @property
    def in_reasons(self) -> int:
        """How many of the differences are in nothing but the reasons of a change."""
        return len([difference for difference in self.differences if ": reason" in difference])


# --- the model's side into the product's values ---------------------------------------------------------------------------


def rule_pack(table: Table, version: int = 1):
    """The table as the domain's rule pack, made of the domain's public dataclasses."""
    from palier.domain.pack import Axis, Distinct, Rule, RulePack, Tier

    return RulePack(
        name="model",
        version=version,
        digest="0" * 64,
        axes=tuple(Axis(name, half_life) for name, half_life in table.half_lives.items()),
        tiers=tuple(
            Tier(
                name,
                dict(tier.enter),
                dict(tier.leave),
                Distinct(**asdict(tier.distinct)) if tier.distinct else None,
                "",
            )
            for name, tier in table.tiers.items()
        ),
        rules={
            type_: Rule(
                type=type_,
                weights=dict(row.weights),
                critical_weights=dict(row.critical or {}),
                critical_below=None if row.critical is None else row.critical_below,
                per_day=row.per_day,
                per_object=row.per_object,
                grants=row.grants,
                withdraws=row.withdraws,
                resets=row.resets,
                zero=row.zero,
                erases=row.erases,
            )
            for type_, row in table.types.items()
        },
        permission_channels=table.permission_channels,
    )


def domain_touchpoint(touchpoint: dict):
    """The JSON object as the domain's value; null is absent."""
    from palier.domain.touchpoint import Touchpoint

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
    )


def change_dict(change) -> dict:
    """The domain's tier change with the contract's names."""
    as_dict = asdict(change)
    as_dict["from"], as_dict["to"] = as_dict.pop("from_tier"), as_dict.pop("to_tier")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in as_dict.items()}


def printed_change_dict(line: bytes) -> dict:
    """A line of `palier replay` with its times as ms; what an erasure leaves out is empty."""
    change = {"held": [], "channels": [], "scores": {}, "thresholds": {}, "reasons": []} | json.loads(line)
    change["occurred_at"] = milliseconds(change["occurred_at"])
    change["reasons"] = [reason | {"occurred_at": milliseconds(reason["occurred_at"])} for reason in change["reasons"]]
    return change


# --- one change beside the other ------------------------------------------------------------------------------------------


def differences(expected: dict, actual: dict, *also: str) -> Iterator[str]:
    """What the product's change says otherwise than the model's; `also`: members that only this side of the product has."""
    for name in (*MUST_BE_EQUAL, *also):
        if expected[name] != actual[name]:
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
        return bool(newer_packs) and model.contacts[contact_id].is_anybodys_guess

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
        actual = fold(state, domain_touchpoint(touchpoint), pack)
        report.outcomes[outcome] += 1
        if is_left_out(contact_id):
            continue
        place = f"touchpoint {number} {json.dumps(touchpoint, ensure_ascii=False)}"
        if outcome != actual.name:
            report.differences.append(f"{place}: outcome: model {outcome}, product {actual.name}")
        compare(place, expected, actual.changes)
        contact = model.contacts[contact_id]
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
    total, outcomes, causes = 0, Counter(), Counter()
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
    print(f"outcomes {dict(outcomes.most_common())}\ncauses {dict(causes.most_common())}\n{total} differences in all")
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(main())
