"""How the demo shows itself: a live screen in a terminal, plain lines anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from rich.live import Live

from palier.contracts.moments import to_milliseconds
from palier_cli import wording
from palier_cli.demo.screen import draw, refusals, worker_of

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from palier.contracts.tier_change import TierChange
    from palier_cli.demo.scene import Scene
    from palier_cli.demo.screen import Frame

STATUS_EVERY_S = 5.0


class View(Protocol):
    """A way to show the scene, between entering and leaving it."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the terminal back."""

    def changed(self, change: TierChange) -> None:
        """A tier change has been read."""

    def refresh(self, scene: Scene, now: float) -> None:
        """Some time has passed."""


class LiveView:
    """The whole terminal, drawn anew a few times a second; afterwards it is as it was before."""

    def __init__(self, console: Console, frame: Frame) -> None:
        self._console = console
        self._frame = frame
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def changed(self, change: TierChange) -> None:
        """Nothing at once: the next refresh shows it."""

    def refresh(self, scene: Scene, now: float) -> None:  # noqa: ARG002 - a screen is drawn whenever it is asked for
        """Draw the screen, in the size the terminal has now."""
        width, height = self._console.size
        self._live.update(draw(scene, self._frame, width, height), refresh=True)


class PlainView:
    """One line per tier change, and how things stand every few seconds: for pipes, logs and screen readers."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._status_at = 0.0
        self._worker = ""

    def __enter__(self) -> Self:
        print(f"metrics: {self._frame.metrics_url}", flush=True)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def changed(self, change: TierChange) -> None:
        """Print it, with its reason."""
        print(describe(change), flush=True)

    def refresh(self, scene: Scene, now: float) -> None:
        """Where things stand: every few seconds, and whenever the worker comes or goes."""
        if now >= self._status_at or scene.worker != self._worker:
            self._status_at, self._worker = now + STATUS_EVERY_S, scene.worker
            print(status(scene), flush=True)


def describe(change: TierChange) -> str:
    """A tier change as one line: when, who, from where to where, why."""
    when = wording.minute(to_milliseconds(change.occurred_at))
    return f"{when}  {change.contact_id}  {wording.steps(change)}  {wording.because(change)}"


def status(scene: Scene) -> str:
    """The scene as one line."""
    when = wording.minute(scene.event_time_ms) if scene.event_time_ms is not None else "no touchpoint yet"
    tiers = ", ".join(f"{tier} {count}" for tier, count in reversed(scene.tiers.items()))
    return (
        f"-- {when}: {scene.touchpoints.total} touchpoints ({scene.touchpoints.per_second:.0f}/s), "
        f"{scene.changes.total} tier changes, {refusals(scene)}; {tiers}; worker {worker_of(scene)}"
    )
