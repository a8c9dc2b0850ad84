"""The live view: one screen, drawn from the scene. Pure: a scene and a size in, something rich can print out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from palier.contracts.limits import DAY_MS
from palier.contracts.moments import to_milliseconds
from palier_cli import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from palier.contracts.tier_change import TierChange
    from palier_cli.demo.scene import Scene

WIDE = 110
"""Columns from which a change shows the tier left too."""

COLOURS = ("bright_black", "cyan", "green", "magenta", "yellow", "blue")
"""Of the tiers, lowest first; packs with more tiers begin again."""

ARROWS = {"up": "▲", "down": "▼", "lateral": "◆"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What does not change while the demo runs."""

    start_ms: int
    """The first simulated moment."""
    days: int
    """Simulated days before real time begins."""
    metrics_url: str
    next_commands: Sequence[str]
    """What to try in another terminal."""


def draw(scene: Scene, frame: Frame, width: int, height: int) -> RenderableType:
    """The whole screen, for `width` columns and `height` rows; where room is short the foot is left out."""
    changes: list[RenderableType] = [_rule("Latest tier changes"), *_changes(scene, width)]
    foot: list[RenderableType] = [
        _rule("Ctrl-C ends it all · try in another terminal"),
        *(Text(f" {command}", style="bold", no_wrap=True, overflow="ellipsis") for command in frame.next_commands),
        Text.assemble(" metrics ", (frame.metrics_url, "underline"), no_wrap=True, overflow="ellipsis"),
    ]
    title: list[RenderableType] = [_title(scene, frame, width)]
    blocks = [title, _tiers(scene), _traffic(scene), changes, foot]
    rows = sum(map(len, blocks))
    if rows > height:
        blocks.remove(foot)
    gap = [Text("")] if rows + len(blocks) - 1 <= height else []
    return Group(*(row for block in blocks for row in (*block, *gap)))


def _rule(title: str) -> Rule:
    return Rule(title, align="left", style="bright_black")


def _title(scene: Scene, frame: Frame, width: int) -> Table:
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(Text(" Palier demo", style="bold"), Text.assemble(*_when(scene, frame), " "))
    line.width = width
    return line


def _when(scene: Scene, frame: Frame) -> list[str | tuple[str, str]]:
    """The simulated present: which day of how many, or that real time has been reached."""
    if scene.event_time_ms is None:
        return ["no touchpoint yet"]
    day = (scene.event_time_ms - frame.start_ms) // DAY_MS + 1
    phase = f"simulated · day {day} of {frame.days}" if day <= frame.days else "· live, in real time"
    return [(wording.minute(scene.event_time_ms), "bold"), f" UTC {phase}"]


def _tiers(scene: Scene) -> list[RenderableType]:
    """One line per tier, highest first: name, contacts, share, bar."""
    total = sum(scene.tiers.values())
    longest = max(scene.tiers.values(), default=0)
    names = max(map(len, scene.tiers), default=0)
    rows: list[RenderableType] = []
    for rank, (tier, count) in reversed(list(enumerate(scene.tiers.items()))):
        line = Table.grid(expand=True, padding=(0, 1))
        line.add_column(width=names + 1, no_wrap=True)
        line.add_column(width=9, justify="right", no_wrap=True)
        line.add_column(width=5, justify="right", no_wrap=True)
        line.add_column(ratio=1)
        colour = COLOURS[rank % len(COLOURS)]
        share = f"{100 * count / total:.0f} %" if total else ""
        line.add_row(
            Text(f" {tier}", style=f"bold {colour}"),
            Text(_number(count)),
            Text(share, style="bright_black"),
            Bar(max(longest, 1), 0, count, color=colour) if count else Text(""),
        )
        rows.append(line)
    return rows


def _traffic(scene: Scene) -> list[RenderableType]:
    """How fast, how much so far, and what was refused."""
    speed = Text.assemble(
        (f" {_number(round(scene.touchpoints.per_second))}", "bold"), " touchpoints/s · ",
        (f"{scene.changes.per_second:.1f}", "bold"), " tier changes/s · ",
        ("?" if scene.lag is None else _number(scene.lag), "bold"), " waiting · worker ", (worker_of(scene), "bold" if scene.worker == "running" else "bold yellow"),
        no_wrap=True, overflow="ellipsis",
    )  # fmt: skip
    so_far = f" {_number(scene.touchpoints.total)} touchpoints · {_number(scene.changes.total)} tier changes"
    return [
        speed,
        *(Text(line, "bright_black", no_wrap=True, overflow="ellipsis") for line in (so_far, f" {refusals(scene)}")),
    ]


def worker_of(scene: Scene) -> str:
    """The worker's state, and how often it had to be started again."""
    return scene.worker if not scene.restarts else f"{scene.worker}, restarted {scene.restarts} x"


def refusals(scene: Scene) -> str:
    """How many records were refused, and why, most frequent first."""
    total = sum(scene.refusals.values())
    if not total:
        return "none refused"
    by_reason = sorted(scene.refusals.items(), key=lambda item: (-item[1], item[0]))
    return f"{_number(total)} refused ({', '.join(f'{reason} {_number(count)}' for reason, count in by_reason)})"


def _changes(scene: Scene, width: int) -> list[RenderableType]:
    """The latest tier changes, newest first; always as many rows as the scene keeps, so that nothing jumps."""
    rows: list[RenderableType] = [_change(change, scene, width) for change in scene.latest]
    return rows + [Text("")] * ((scene.latest.maxlen or 0) - len(rows))


def _change(change: TierChange, scene: Scene, width: int) -> Table:
    """When, who, up or down, to which tier (from which, if there is room), why."""
    wide = width >= WIDE
    tiers = list(scene.tiers)
    colour = COLOURS[tiers.index(change.to_tier) % len(COLOURS) if change.to_tier in tiers else 0]
    longest = max(map(len, tiers))
    line = Table.grid(expand=True, padding=(0, 1))
    line.width = width
    line.add_column(width=11 if wide else 6, no_wrap=True, style="bright_black")
    longest_id = max(len(seen.contact_id) for seen in scene.latest)
    line.add_column(width=min(longest_id, 20 if wide else 12), no_wrap=True, overflow="ellipsis")
    line.add_column(width=1)
    line.add_column(width=2 * longest + 3 if wide else longest, no_wrap=True, overflow="ellipsis")
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    when = wording.day(to_milliseconds(change.occurred_at))
    line.add_row(
        f" {when if wide else when[5:]}",
        Text(change.contact_id),
        Text(ARROWS.get(change.direction, "·"), style=colour),
        Text.assemble(*_transition(change, colour, wide=wide)),
        Text(wording.because(change).removeprefix("because ")),
    )
    return line


def _transition(change: TierChange, colour: str, *, wide: bool) -> list[str | tuple[str, str]]:
    """From where to where. A lateral change keeps the headline tier: then what was gained or lost besides."""
    if change.direction == "lateral":
        return [(f"{change.to_tier} " if wide else "", colour), (wording.beside(change), colour)]
    return [f"{change.from_tier} → " if wide else "", (change.to_tier, f"bold {colour}")]


def _number(count: int) -> str:
    """A count with thin groups of three: 12 345."""
    return f"{count:,}".replace(",", " ")
