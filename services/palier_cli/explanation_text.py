"""An explanation in words for a marketer: which tier and why, what is missing for the next, when it will be lost."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from palier_cli import wording

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from palier.domain.explain import DistinctNeed, Explanation, ScoreNeed, TierOutlook
    from palier.domain.outcome import Reason, TierChange
    from palier.domain.pack import RulePack
    from palier_cli.explaining import Story

BAR_CELLS = 24
LATEST_CHANGES = 5
LEAST_WORTH = 0.05
"""Points under which a contribution no longer counts for a reader."""


def render(explanation: Explanation, story: Story, pack: RulePack) -> Iterator[RenderableType]:
    """The explanation, part by part, from the answer to the details."""
    yield Text.assemble(*_answer(explanation, story))
    yield Text(_meaning(explanation), style="dim")
    if not explanation.known:
        return
    yield Text(_since(explanation), style="dim")
    yield _heading("Permission")
    yield Padding(_permission(explanation), (0, 0, 0, 2))
    yield _heading("Scores")
    yield _scores(explanation, pack)
    yield _heading("Tiers")
    yield _tiers(explanation, pack)
    yield _heading("What counts most")
    yield _contributions(explanation)
    if story.judgement.verdicts or story.judgement.taken_back or story.judgement.not_reversible:
        yield _heading("What does not count")
        yield Padding(wording.judgement(story.judgement, story.touchpoints), (0, 0, 0, 2))
    if story.changes:
        yield _heading("Latest changes" if len(story.changes) > LATEST_CHANGES else "All changes so far")
        yield _changes(story.changes[-LATEST_CHANGES:])


def _heading(title: str) -> Text:
    return Text(f"\n{title}", style="bold")


def _answer(explanation: Explanation, story: Story) -> Iterator[str | tuple[str, str]]:
    yield story.contact_id, "bold"
    yield " is "
    yield explanation.headline, "bold green" if explanation.held else "bold"
    beside = [name for name in explanation.held if name != explanation.headline]
    if beside:
        yield f" (also {', '.join(beside)})"


def _since(explanation: Explanation) -> str:
    since = f"since {wording.minute(explanation.since)}, " if explanation.since is not None else ""
    return f"{since}as of {wording.minute(explanation.at)} UTC"


def _meaning(explanation: Explanation) -> str:
    if explanation.erased_at is not None and not explanation.known:
        return f"Erased on {wording.day(explanation.erased_at)}; nothing else is kept."
    meanings = {tier.name: tier.meaning for tier in explanation.tiers}
    return meanings.get(explanation.headline) or "No tier is held."


def _permission(explanation: Explanation) -> str:
    permission = explanation.permission
    if permission.is_open:
        return f"Granted: {', '.join(permission.granted)}."
    granted = f" {', '.join(permission.granted)} alone opens nothing." if permission.granted else ""
    earned = f" By scores alone: {', '.join(explanation.earned)}." if explanation.earned else ""
    return f"None, so no tier is held.{granted}{earned} It takes one of: {', '.join(permission.opened_by)}."


def _scores(explanation: Explanation, pack: RulePack) -> Table:
    """One bar per axis, as long as its highest threshold or the score itself, with a mark at each threshold."""
    table = Table.grid(padding=(0, 2))
    for axis, score in explanation.scores.items():
        limits = sorted({tier.enter[axis] for tier in pack.tiers if axis in tier.enter})
        needed = f"needed: {' and '.join(map(wording.points, limits))}" if limits else ""
        points = Text(wording.points(score), justify="right")
        table.add_row(f"  {axis}", points, _bar(score, limits), Text(needed, style="dim"))
    return table


def _bar(score: float, limits: Collection[float]) -> Text:
    full = max(score, *limits, 1.0)
    filled = int(score / full * BAR_CELLS)
    marks = {min(BAR_CELLS - 1, int(limit / full * BAR_CELLS)) for limit in limits}
    bar = Text()
    for cell in range(BAR_CELLS):
        if cell in marks:
            bar.append("|", style="bold green" if cell < filled else "bold yellow")
        else:
            bar.append("█" if cell < filled else "·", style="cyan" if cell < filled else "dim")
    return bar


def _tiers(explanation: Explanation, pack: RulePack) -> Table:
    """One line per tier, highest first: held, what is missing, when it will be lost."""
    table = Table.grid(padding=(0, 2))
    leave = {tier.name: tier.leave for tier in pack.tiers}
    for tier in reversed(explanation.tiers):
        mark = Text("  yes" if tier.held else "  no", style="bold green" if tier.held else "dim")
        table.add_row(
            mark, Text(tier.name, style="bold" if tier.held else ""), _outlook(tier, leave[tier.name], explanation.at)
        )
    return table


def _outlook(tier: TierOutlook, leave: Mapping[str, float], at: int) -> str:
    if not tier.earned:
        missing = [*map(_missing_points, tier.scores), _missing_variety(tier.distinct)]
        return f"missing: {' and '.join(need for need in missing if need) or 'nothing but one more touchpoint'}"
    gate = "" if tier.held else "earned, but without permission; "
    if tier.lost_at is None:
        return f"{gate}never lost by silence"
    limits = " or ".join(f"{axis} is down to {wording.points(limit)}" for axis, limit in leave.items())
    return (
        f"{gate}lost in {wording.duration(tier.lost_at - at)} of silence ({wording.day(tier.lost_at)}), when {limits}"
    )


def _missing_points(need: ScoreNeed) -> str:
    # Rounded up, so that whoever adds what is said here gets there.
    return f"{ceil(need.missing * 10 - 1e-6) / 10:g} points of {need.axis}" if need.missing else ""


def _missing_variety(need: DistinctNeed | None) -> str:
    if need is None or need.found >= need.required:
        return ""
    what = "days" if need.of == "days" else "types of touchpoint"
    span = wording.duration(need.window_ms)
    return f"{need.axis} gained on {need.required} {what} within {span} ({need.found} so far)"


def _contributions(explanation: Explanation) -> Table | Text:
    """Per axis the strongest contributions: what is left of each, of how much, when and where."""
    table = Table.grid(padding=(0, 2), expand=True)
    for _ in range(5):
        table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
    for axis, reasons in explanation.contributions.items():
        counting = [reason for reason in reasons if abs(reason.worth) >= LEAST_WORTH]
        for number, reason in enumerate(counting):
            table.add_row(f"  {axis}" if number == 0 else "", *_contribution(reason, explanation.at))
    return table if table.row_count else Text("  Nothing counts at this moment.")


def _contribution(reason: Reason, at: int) -> tuple[str | Text, ...]:
    left, weight = wording.signed(reason.worth), wording.signed(reason.weight)
    return (
        Text(left if left == weight else f"{left} of {weight.lstrip('+')}", justify="right"),
        reason.type,
        f"{wording.duration(max(0, at - reason.occurred_at))} ago",
        reason.channel,
        ", ".join(filter(None, (reason.object_id, reason.campaign_id and f"campaign {reason.campaign_id}"))),
    )


def _changes(changes: Sequence[TierChange]) -> Table:
    table = Table.grid(padding=(0, 2))
    for change in changes:
        table.add_row(f"  {wording.minute(change.occurred_at)}", Text(wording.steps(change), style="bold"))
        table.add_row("", wording.because(change))
    return table
