"""`palier replay`: the fold over a log, byte for byte the same each time."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cli_logs import DAY_MS, PURCHASE, START_MS, moment, one_line, palier, purchase, touchpoint, write_log
from palier.contracts.moments import parse_moment
from palier.contracts.tier_change import tier_change_json
from palier.packs import load_pack
from palier_cli.replaying import Replay, replay
from palier_cli.summary import contacts_by_tier

if TYPE_CHECKING:
    from pathlib import Path

    from palier.contracts.refusal import Refusal

PACK = load_pack(None)
LATEST = 1_900_000_000_000


def replayed(
    lines: list[bytes], *, until_ms: int | None = None, latest_ms: int = LATEST
) -> tuple[list[dict[str, Any]], list[tuple[int, Refusal]], Replay]:
    """Tier changes as events, refusals with their lines, and the totals of a replay."""
    events: list[dict[str, Any]] = []
    refusals: list[tuple[int, Refusal]] = []
    result = replay(
        lines,
        PACK,
        latest_ms=latest_ms,
        until_ms=until_ms,
        changed=lambda change, recorded_at: events.append(json.loads(tier_change_json(change, PACK, recorded_at))),
        refused=lambda line, refusal: refusals.append((line, refusal)),
    )
    return events, refusals, result


def milliseconds(day: float) -> int:
    """The moment so many days after the start of the log."""
    return int(START_MS + day * DAY_MS)


def test_tier_changes_come_in_order_of_arrival() -> None:
    """A log becomes the chain of tier changes that the worker would send."""
    events, refusals, _ = replayed(purchase())
    chain = [(event["contact_id"], event["sequence"], event["from"], event["to"], event["cause"]) for event in events]
    assert chain == [
        ("ada", 1, "unengaged", "engaged", "touchpoint"),
        ("ada", 2, "engaged", "engaged-to-buy", "touchpoint"),
        ("ada", 3, "engaged-to-buy", "engaged", "conversion"),
    ]
    assert refusals == []


def test_recorded_at_is_the_newest_moment_read_so_far() -> None:
    """Not the touchpoint's own time, so that a late touchpoint does not turn the log's clock back."""
    lines = [
        touchpoint(0, 0.0, "newsletter.subscribed", "email"),
        touchpoint(1, 5.0, "page.viewed", contact="bob"),
        touchpoint(2, 1.0, "webinar.attended"),
    ]
    events, _, _ = replayed(lines)
    assert [(event["occurred_at"], event["recorded_at"]) for event in events] == [
        ("2026-01-02T00:00:00.000Z", "2026-01-06T00:00:00.000Z")
    ]


def test_until_takes_the_demotions_due_by_then_and_no_later_ones() -> None:
    """With --until each contact loses what silence has cost by that moment, without grace, at the moment it was due."""
    events, _, _ = replayed(purchase(), until_ms=milliseconds(200))
    last = events[-1]
    assert (last["to"], last["cause"], last["recorded_at"]) == ("unengaged", "inactivity", "2026-07-20T00:00:00.000Z")
    due_ms = parse_moment(last["occurred_at"])
    assert due_ms is not None
    assert len(replayed(purchase(), until_ms=due_ms)[0]) == len(events)
    assert len(replayed(purchase(), until_ms=due_ms - 1)[0]) == len(events) - 1


def test_until_goes_through_contacts_in_order_of_first_appearance() -> None:
    """So the output does not hang on a hash or on who falls first."""
    lines = []
    for number, contact in enumerate(("zoe", "ada", "mia")):
        lines.append(touchpoint(10 * number, 0.1 * number, "newsletter.subscribed", "email", contact))
        lines.append(touchpoint(10 * number + 1, 1.0 + number, "webinar.attended", "web", contact))
    events, _, _ = replayed(lines, until_ms=milliseconds(300))
    assert [event["contact_id"] for event in events if event["cause"] == "inactivity"] == ["zoe", "ada", "mia"]


def test_until_folds_what_arrived_though_it_is_newer_than_until() -> None:
    """All touchpoints that are not refused are folded first; up to 5 minutes after T is no refusal."""
    lines = [touchpoint(0, 0.0, "newsletter.subscribed", "email"), touchpoint(1, 1.002, "webinar.attended")]
    events, refusals, _ = replayed(lines, until_ms=milliseconds(1), latest_ms=milliseconds(1))
    assert [event["to"] for event in events] == ["engaged"]
    assert refusals == []


def test_an_erased_contact_leaves_only_its_stub() -> None:
    """After an erasure nothing of the contact is kept but sequence and time; its repeats change nothing."""
    lines = [*purchase(), touchpoint(90, 4.0, "contact.erased"), *purchase()]
    events, _, result = replayed(lines, until_ms=milliseconds(400))
    assert (events[-1]["cause"], events[-1]["to"]) == ("erasure", "unengaged")
    assert "scores" not in events[-1]
    assert result.contacts["ada"].is_erased
    assert result.outcomes["erased"] == sum(row[3] == "ada" for row in PURCHASE)


def test_totals_account_for_every_line() -> None:
    """Outcomes and refusals add up to the lines, causes to the tier changes, tiers to the contacts."""
    lines = [*purchase(), purchase()[0], b"nonsense", touchpoint(70, 3.3, "made.up"), b""]
    events, refusals, result = replayed(lines)
    assert result.lines == len(lines) == sum(result.outcomes.values()) + sum(result.refusals.values())
    assert (result.outcomes["duplicate"], result.outcomes["unknown"], len(refusals)) == (1, 1, 2)
    assert sum(result.causes.values()) == len(events)
    assert contacts_by_tier(result, PACK) == {
        "engaged-to-influence": 0,
        "engaged-to-buy": 0,
        "engaged": 1,
        "unengaged": 1,
        "erased": 0,
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_log(tmp_path / "log.jsonl", [*purchase(), b'{"id": 3}', *purchase()[:2]])


def test_the_command_gives_the_same_bytes_each_time(log: Path, tmp_path: Path) -> None:
    """From a file, from gzip and from standard input, in any process."""
    first = palier("replay", log, PYTHONHASHSEED="1")
    zipped = tmp_path / "log.jsonl.gz"
    zipped.write_bytes(gzip.compress(log.read_bytes()))
    others = [
        palier("replay", log, PYTHONHASHSEED="2"),
        palier("replay", zipped),
        palier("replay", stdin=log.read_bytes()),
        palier("replay", "-", stdin=zipped.read_bytes()),
    ]
    assert first.returncode == 0
    assert first.stdout.count(b"\n") == 3
    assert all((other.returncode, other.stdout, other.stderr) == (0, first.stdout, first.stderr) for other in others)


def test_refusals_are_json_lines_on_standard_error_and_no_failure(log: Path) -> None:
    """A bad line is named by number and stable reason; the others count, and the exit code is 0."""
    done = palier("replay", log)
    report = json.loads(one_line(done.stderr.decode()))
    assert (report["line"], report["reason"], done.returncode) == (9, "invalid", 0)
    assert set(report) == {"line", "reason", "message"}


def test_a_line_from_after_until_is_refused(log: Path) -> None:
    """Without a Kafka timestamp the latest moment is --until: later touchpoints claim a future."""
    done = palier("replay", log, "--until", moment(1.2))
    reasons = [(json.loads(line)["line"], json.loads(line)["reason"]) for line in done.stderr.splitlines()]
    assert reasons == [(line, "future") for line in range(4, 9)] + [(9, "invalid")]


def test_a_line_from_after_the_wall_clock_is_refused() -> None:
    """Nobody says --until: then the present is the limit."""
    done = palier("replay", stdin=touchpoint(0, 365 * 70, "page.viewed"))
    assert json.loads(one_line(done.stderr.decode()))["reason"] == "future"


def test_a_line_above_1_mib_is_refused_and_the_next_is_read(log: Path) -> None:
    """However long it is: it is read over, not into memory, and its neighbours do not suffer."""
    monster = b'{"id": "' + b"x" * (3 * 1024 * 1024) + b'"}'
    done = palier("replay", stdin=monster + b"\n" + log.read_bytes())
    reports = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(report["line"], report["reason"]) for report in reports] == [(1, "too-large"), (10, "invalid")]
    assert done.stdout == palier("replay", log).stdout


def test_summary_is_a_table_on_standard_error(log: Path) -> None:
    """Standard output stays machine-readable; what became of the lines is told beside it."""
    done = palier("replay", log, "--summary")
    assert done.stdout == palier("replay", log).stdout
    words = done.stderr.decode().split()
    for name, count in {"duplicate": "2", "refused": "1", "conversion": "1", "engaged": "1", "invalid": "1"}.items():
        assert words[words.index(name) + 1] == count


def test_summary_tells_what_was_no_humans(tmp_path: Path) -> None:
    """By verdict and by evidence, and the farewells that machines said; nothing of it where all are human."""
    lines = [
        touchpoint(1, 1.0, "page.viewed", user_agent="Googlebot/2.1"),
        touchpoint(2, 1.0, "email.unsubscribed", bot=True, properties={"honeypot": True}),
        touchpoint(3, 2.0, "page.viewed", properties={"method": "HEAD"}),
    ]
    told = palier("replay", write_log(tmp_path / "log.jsonl", lines), "--summary").stderr.decode()
    words = told.split()
    for name, count in {"bot": "2", "suspect": "1", "honeypot": "1", "crawler": "1", "head-request": "1"}.items():
        assert words[words.index(name) + 1] == count
    assert "Bots withdrew, and it holds: 1" in told
    revoked = [
        touchpoint(1, 1.0, "page.viewed"),
        *(touchpoint(n, 2.0, "touchpoint.revoked", properties={"id": "t1"}) for n in (2, 3)),
    ]
    told = palier("replay", write_log(tmp_path / "revoked.jsonl", revoked), "--summary").stderr.decode()
    assert "Touchpoints taken back: 1; no longer, or not wholly reversible: 1" in " ".join(told.split())
    human = palier("replay", write_log(tmp_path / "human.jsonl", lines[:0]), "--summary").stderr.decode()
    assert "Not human" not in human


def test_another_pack_gives_other_tiers(log: Path, tmp_path: Path) -> None:
    """--pack and PALIER_PACK name the rules; every event says which."""
    shown = palier("pack", "show").stdout.decode()
    pack = tmp_path / "strict.toml"
    pack.write_text(shown.replace("interest = 19", "interest = 190"))
    by_option, by_variable = palier("replay", log, "--pack", pack), palier("replay", log, PALIER_PACK=str(pack))
    assert by_option.stdout == by_variable.stdout != palier("replay", log).stdout
    assert b'"to":"engaged"' not in by_option.stdout


def test_a_reader_that_leaves_early_is_no_trouble(tmp_path: Path) -> None:
    """`palier replay ... | head -1` ends quietly with exit code 0."""
    lines = []
    for number in range(4_000):
        lines.append(touchpoint(2 * number, 0.0, "newsletter.subscribed", "email", f"c{number}"))
        lines.append(touchpoint(2 * number + 1, 1.0, "webinar.attended", "web", f"c{number}"))
    log = write_log(tmp_path / "log.jsonl", lines)
    command = [sys.executable, "-m", "palier_cli", "replay", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""
