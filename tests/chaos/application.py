"""What every fault run begins with, an application of its own on a real broker, and ends with, its verdict in words."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path

from palier.kafka.local import find_kafka
from palier.kafka.topics import apply_topics
from palier.settings import Settings
from worker_kit.truth import NEVER_S


@contextmanager
def application(name, **settings):
    """(settings with fresh topics, folder) for as long as it lasts; by event time and without timers."""
    with tempfile.TemporaryDirectory() as folder, find_kafka(None, Path(folder) / "kafka") as kafka:
        chosen = Settings(
            brokers=kafka.brokers,
            topic_prefix=f"{name}-{uuid.uuid4().hex[:8]}-",
            clock="event",
            timer_grace=NEVER_S,
            metrics_port=0,
            **{"session_timeout": 6 if kafka.kind == "given" else 2, **settings},
        )
        asyncio.run(apply_topics(chosen, lambda _: None))
        yield chosen, Path(folder)


def told(verdict):
    """A verdict's figures in a line, and its faults, some of them, in a line each."""
    line = (
        f"{verdict.touchpoints} touchpoints, {verdict.refused} refused, {verdict.changes} tier changes "
        f"{dict(verdict.causes)}; {verdict.lost} lost, {verdict.doubled} doubled, {verdict.conflicting} conflicting; "
        f"{verdict.aborted} records undone"
    )
    return "\n".join([line, *verdict.faults[:20]])


def tell(line):
    """Progress, at once."""
    print(line, flush=True)
