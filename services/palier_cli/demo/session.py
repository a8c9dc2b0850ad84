"""One run of the demo: broker, topics, worker, simulator, a view on them, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from palier.contracts.moments import format_moment
from palier.domain.pack import UNENGAGED
from palier.errors import InternalError
from palier.kafka.topics import apply_topics
from palier.packs import load_pack
from palier_cli.demo.children import PATIENCE_S, Child
from palier_cli.demo.feed import follow_tier_changes
from palier_cli.demo.gauges import Gauges
from palier_cli.demo.scene import Scene
from palier_cli.demo.stopping import Stop
from palier_cli.demo.supervisor import Supervisor, ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from palier.contracts.tier_change import TierChange
    from palier.settings import Settings
    from palier_cli.demo.views import View

REFRESH_S = 0.25
READY_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the caller asked for."""

    seconds: float | None
    """Seconds of traffic; None: until somebody stops it."""
    contacts: int
    start_ms: int
    """First simulated moment; from there one day a second up to the present, then on in real time."""


class Session:
    """The running parts, on a broker that is there already."""

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], object],
    ) -> None:
        """Nothing is started yet.

        Args:
            plan: what the caller asked for.
            settings: where the broker and the topics are.
            environment: what the children must have in theirs to see the same settings.
            folder: where the children's output goes.
            say: gets a line when something is ready.
        """
        self._plan = plan
        self._settings = settings
        self._say = say
        tiers = (UNENGAGED, *(tier.name for tier in load_pack(settings.pack).tiers))
        self.scene = Scene(dict.fromkeys(tiers, 0))
        self.metrics_url = f"http://{settings.http_host}:{settings.metrics_port}/metrics"
        self._gauges = Gauges(self.metrics_url, self.scene)
        self._worker = Supervisor(Child("worker", "palier_tiers", (), environment, folder / "worker.log"))
        start = format_moment(plan.start_ms)
        traffic = f"--contacts {plan.contacts} --start {start} --speed 1 --then-live".split()
        self._simulator = Child("simulator", "palier_simulator", traffic, environment, folder / "simulator.log")

    async def play(self, view: View) -> bool:
        """Run until the time is up (True) or somebody stops it (False). Every child has ended when this returns.

        Raises:
            PalierError: a child ended and starting it again cannot help; with that child's exit code.
        """
        stop = Stop()
        with stop.listening():
            try:
                await apply_topics(self._settings, lambda _step: None)
                if not await self._start(stop):
                    return False
                with view:
                    return await self._show(view, stop)
            finally:
                await self._end(stop)

    async def _start(self, stop: Stop) -> bool:
        """Start the worker, wait until it is ready, start the traffic. False: stopped meanwhile."""
        began = time.monotonic()
        self._worker.start(began)
        while not await self._gauges.read(time.monotonic()) or self.scene.worker != "running":
            now = time.monotonic()
            self._worker.look(now)
            if now > began + READY_WITHIN_S:
                raise InternalError(f"the worker was not ready within {READY_WITHIN_S:.0f} s")
            if await _within(stop.wanted, REFRESH_S):
                return False
        self._say(f"worker ready after {time.monotonic() - began:.1f} s")
        self._simulator.start()
        return True

    async def _show(self, view: View, stop: Stop) -> bool:
        def seen(change: TierChange) -> None:
            self.scene.changes.add(1, time.monotonic())
            self.scene.latest.appendleft(change)
            view.changed(change)

        began = time.monotonic()
        feed = asyncio.create_task(follow_tier_changes(self._settings, seen))
        try:
            while not await _within(stop.wanted, REFRESH_S):
                now = time.monotonic()
                self._look_after(feed, now)
                if not await self._gauges.read(now):
                    self.scene.worker, self.scene.lag = "starting again", None
                self.scene.changes.add(0, now)
                self.scene.restarts = self._worker.restarts
                view.refresh(self.scene, now)
                if self._plan.seconds is not None and now - began >= self._plan.seconds:
                    return True
            return False
        finally:
            feed.cancel()
            with suppress(asyncio.CancelledError):
                await feed

    def _look_after(self, feed: asyncio.Task[None], now: float) -> None:
        self._worker.look(now)
        code = self._simulator.exit_code()
        if code is not None:
            raise ended(self._simulator, code)
        if feed.done():
            feed.result()

    async def _end(self, stop: Stop) -> None:
        """End the children, source first, each in good order unless somebody is in a hurry."""
        for child in (self._simulator, self._worker.child):
            child.terminate()
            patience = time.monotonic() + PATIENCE_S
            while child.pid is not None and time.monotonic() < patience and not await _within(stop.at_once, 0.02):
                pass
            child.kill()


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event comes within so many seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
