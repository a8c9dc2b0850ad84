"""`palier explain --from`: why a contact is in a tier, in words and as JSON."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from cli_logs import DAY_MS, START_MS, moment, one_line, purchase, touchpoint, write_log
from palier.packs import load_pack
from palier_cli import __main__ as edge
from palier_cli.explaining import explanation_of, tell, to_json
from palier_cli.explanation_text import render

if TYPE_CHECKING:
    from pathlib import Path

PACK = load_pack(None)
LATEST = 1_900_000_000_000


def text_of(lines: list[bytes], contact: str = "ada", day: float | None = None, width: int = 200) -> str:
    """The explanation as a reader sees it, without colours."""
    at_ms = None if day is None else int(START_MS + day * DAY_MS)
    story = tell(lines, contact, PACK, latest_ms=LATEST, at_ms=at_ms)
    console = Console(file=io.StringIO(), width=width)
    for part in render(explanation_of(story, PACK), story, PACK):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def test_it_says_tier_scores_permission_and_what_counts() -> None:
    """The whole answer, from the headline to the single touchpoint."""
    text = text_of(purchase(), day=3.1)
    assert "ada is engaged-to-buy (also engaged)\n" in text
    assert "since 2026-01-04 02:24, as of 2026-01-04 02:24 UTC" in text
    assert "Granted: email." in text
    assert "  intent    41.9  " in text
    strongest = "intent +30 checkout.started less than a minute ago web object-6"
    assert strongest.split() in [line.split() for line in text.splitlines()]
    assert "2026-01-04 02:24  engaged -> engaged-to-buy\n" in text
    assert "because checkout.started +30, cart.added +11.9" in text


def test_it_says_when_a_tier_will_be_lost_and_at_which_score() -> None:
    """A held tier names its last day if the contact keeps silent."""
    text = text_of(purchase(), day=3.1)
    (line,) = [line for line in text.splitlines() if line.startswith("  yes  engaged-to-buy")]
    assert "lost in 8 days of silence (2026-01-12), when intent is down to 27" in line


def test_it_says_what_is_missing_for_a_tier_not_held() -> None:
    """Points are rounded up, so that adding what is said is enough; variety is told in types or days."""
    text = text_of([touchpoint(0, 0.0, "newsletter.subscribed", "email"), touchpoint(1, 0.0, "quote.requested")])
    (influence,) = [line for line in text.splitlines() if "engaged-to-influence" in line]
    (buy,) = [line for line in text.splitlines() if "engaged-to-buy" in line]
    (engaged,) = [line for line in text.splitlines() if line.split()[:2] == ["no", "engaged"]]
    assert "missing: 57 points of advocacy" in influence
    assert buy.strip().endswith("missing: intent gained on 2 types of touchpoint within 14 days (1 so far)")
    assert "missing: 4 points of interest and interest gained on 2 days within 30 days (1 so far)" in engaged


def test_a_closed_gate_is_the_reason_that_no_tier_is_held() -> None:
    """Scores may earn a tier; without permission it is not held, and the text says what would open the gate."""
    text = text_of([*purchase(), touchpoint(50, 3.5, "email.unsubscribed", "email")])
    assert "ada is unengaged\n" in text
    assert "None, so no tier is held. By scores alone: engaged." in text
    assert "earned, but without permission; lost in" in text
    assert "permission withdrawn" in text


def test_silence_is_told_as_the_cause_of_a_loss() -> None:
    """A demotion that no touchpoint caused reads as such, at the limit itself."""
    text = text_of(purchase(), day=200)
    assert "ada is unengaged\n" in text
    assert "silent too long: interest down to 13" in text


def test_touchpoints_from_after_the_moment_have_not_happened() -> None:
    """`--at` asks why she *was* in a tier: neither tiers nor changes know the future."""
    text = text_of(purchase(), day=2.5)
    assert "ada is engaged\n" in text
    assert "checkout" not in text


def test_without_a_moment_it_is_the_newest_of_the_log() -> None:
    """Another contact's touchpoint moves the log's present too: silence counts."""
    lines = [*purchase(), touchpoint(60, 90.0, "page.viewed", contact="bob")]
    assert "as of 2026-04-01 00:00 UTC" in text_of(lines)
    assert "ada is unengaged" in text_of(lines)


def test_of_an_erased_contact_only_the_fact_is_told() -> None:
    """Nothing that the contact did before may be shown as its state."""
    text = text_of([*purchase(), touchpoint(80, 4.0, "contact.erased")])
    assert text.startswith("ada is unengaged\nErased on 2026-01-05; nothing else is kept.\n")
    assert "Scores" not in text


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal, at any usual width."""
    assert max(map(len, text_of(purchase(), width=width).splitlines())) <= width


def scanned() -> list[bytes]:
    """Ada's purchase, then a scanner in her mail, a machine that withdraws, and a click in doubt."""
    mail = {"object_id": "m-1", "channel": "email"}
    clicks = [touchpoint(30 + link, 3.3, "email.clicked", properties={"link": f"l{link}"}, **mail) for link in range(4)]
    withdrawal = touchpoint(40, 3.4, "email.unsubscribed", "email", user_agent="Googlebot/2.1")
    return [
        *purchase(),
        *clicks,
        withdrawal,
        touchpoint(41, 3.5, "email.clicked", "email", properties={"method": "HEAD"}),
    ]


def test_it_says_what_was_no_humans() -> None:
    """How many touchpoints, what says so, and that a machine's farewell holds; nothing where there is nothing to say."""
    lines = text_of(scanned(), width=300).splitlines()
    place = lines.index("What does not count")
    assert lines[place + 1] == (
        "  Of 13 touchpoints 3 by machines, worth nothing and 1 in doubt, worth less (click-burst 2, many-links 2, convicted "
        "1, crawler 1, head-request 1). A machine withdrew once, and it holds. Points were taken back once."
    )
    assert "What does not count" not in text_of(purchase())
    story = tell(scanned(), "ada", PACK, latest_ms=LATEST, at_ms=None)
    members = json.loads(to_json(explanation_of(story, PACK), story, PACK))
    assert members["judgement"]["verdicts"] == {"bot": 3, "suspect": 1}
    assert members["judgement"]["bot_withdrawals"] == 1
    assert members["changes"][-1]["evidence"] == ["crawler"]


def test_json_holds_the_same_with_moments_as_rfc_3339() -> None:
    """For machines: the explanation, the tier changes as events, the pack that decided."""
    story = tell(purchase(), "ada", PACK, latest_ms=LATEST, at_ms=None)
    members = json.loads(to_json(explanation_of(story, PACK), story, PACK))
    assert (members["contact_id"], members["headline"], members["at"]) == ("ada", "engaged", "2026-01-04T04:48:00.000Z")
    assert [change["sequence"] for change in members["changes"]] == [1, 2, 3]
    assert members["pack"]["digest"] == PACK.digest
    (engaged,) = [tier for tier in members["tiers"] if tier["name"] == "engaged"]
    assert engaged["lost_at"].endswith("Z")


def test_the_command_reads_a_file_and_counts_what_it_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused lines are somebody else's trouble, but not hidden."""
    log = write_log(tmp_path / "log.jsonl", [b"nonsense", *purchase()])
    assert edge.run(["explain", "ada", "--from", str(log), "--at", moment(3.1)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("ada is engaged-to-buy (also engaged)\n")
    assert one_line(captured.err) == f"{log}: 1 refused lines passed over; `palier replay` names them"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody"], "holds no touchpoint of 'nobody'"),
        (["bob", "--at", moment(0.5)], "holds no touchpoint of 'bob' up to then, 1 later"),
    ],
)
def test_a_contact_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    """Exit code 2 and one line, not an explanation of nothing."""
    log = write_log(tmp_path / "log.jsonl", purchase())
    assert edge.run(["explain", *arguments, "--from", str(log)]) == 2
    assert one_line(capsys.readouterr().err).endswith(complaint)
