"""The worker's own figures, read from its metrics endpoint as Prometheus would."""

from __future__ import annotations

import asyncio
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.request import urlopen

from palier_cli.demo.scene import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Sample

    from palier_cli.demo.scene import Scene


class Gauges:
    """Reads the endpoint and writes what it finds into the scene."""

    def __init__(self, url: str, scene: Scene) -> None:
        self.url = url
        self._scene = scene
        self._touchpoints = Tally()
        self._refusals = Tally()

    async def read(self, now: float) -> bool:
        """Take one reading; False when nobody answers (the worker is not up yet, or again)."""
        try:
            text = await asyncio.to_thread(_get, self.url)
        except (OSError, HTTPException):
            return False
        self.take(parse(text), now)
        return True

    def take(self, samples: list[Sample], now: float) -> None:
        """Write one reading into the scene."""
        scene = self._scene
        touchpoints: dict[str, int] = {}
        tiers = dict.fromkeys(scene.tiers, 0)
        lag: int | None = None
        for sample in samples:
            match sample.name:
                case "palier_touchpoints_total" if sample.labels["outcome"] != "refused":  # counted by reason, below
                    outcome = sample.labels["outcome"]
                    touchpoints[outcome] = touchpoints.get(outcome, 0) + int(sample.value)
                case "palier_contacts":
                    tiers[sample.labels["tier"]] += int(sample.value)
                case "palier_consumer_lag_records":
                    lag = (lag or 0) + int(sample.value)
                case "palier_event_time_seconds":
                    scene.event_time_ms = max(scene.event_time_ms or 0, round(sample.value * 1_000))
                case "palier_worker_state" if sample.value:
                    scene.worker = sample.labels["state"]
        scene.lag = lag
        if scene.worker == "running":  # one that is still recovering does not know all its contacts yet
            scene.tiers.update(tiers)
        scene.touchpoints.add(self._touchpoints.read(touchpoints), now)
        self._refusals.read(
            {s.labels["reason"]: int(s.value) for s in samples if s.name == "palier_dead_letters_total"}
        )
        scene.refusals = {reason: count for reason, count in self._refusals.totals.items() if count}


def parse(text: str) -> list[Sample]:
    """Samples of a page of metrics in the Prometheus text format."""
    from prometheus_client.parser import text_string_to_metric_families

    families: Iterable[Metric] = text_string_to_metric_families(text)
    return [sample for family in families for sample in family.samples]


def _get(url: str) -> str:
    with urlopen(url, timeout=2) as response:  # noqa: S310 - our own worker, on this machine
        body: bytes = response.read()
    return body.decode()
