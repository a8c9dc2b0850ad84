"""Sets the stage for a demo and strikes it: a folder, a broker, settings of its own, and one line on how it ended."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError
from rich.console import Console

from palier.contracts.limits import DAY_MS
from palier.contracts.topics import topic_contracts
from palier.errors import ExitCode, PalierError
from palier.kafka.cluster import connect
from palier.kafka.local import find_kafka
from palier.kafka.ports import free_port
from palier.settings import load_settings
from palier_cli.demo.screen import Frame
from palier_cli.demo.session import Plan, Session
from palier_cli.demo.stopping import signals_interrupt
from palier_cli.demo.views import LiveView, PlainView
from palier_cli.options import now_ms
from palier_cli.topic_care import reach_broker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from palier.settings import Settings
    from palier_cli.demo.scene import Scene


KINDS = {
    "given": "yours, from PALIER_BROKERS",
    "container": "in a container of this demo",
    "local": "started for this demo",
}


def perform(plan: Plan, *, live: bool) -> ExitCode:
    """Run the whole demo. Afterwards no process and no file of it is left.

    Raises:
        PalierError: something could not start or did not stay up; the logs are kept then, and named.
    """
    try:
        with signals_interrupt(), _folder() as folder:
            return _perform(plan, folder, live=live)
    except KeyboardInterrupt:
        say("Stopped before the traffic began. Nothing is left running.")
        return ExitCode.INTERRUPTED


def _perform(plan: Plan, folder: Path, *, live: bool) -> ExitCode:
    with find_kafka(os.environ.get("PALIER_BROKERS"), folder / "kafka", say) as kafka:
        say(f"Kafka at {kafka.brokers} ({KINDS[kafka.kind]})")
        # On a broker that others use too, topics, group and transactions are this run's own.
        prefix = f"demo-{secrets.token_hex(3)}." if kafka.kind == "given" else ""
        if prefix:
            say(f"topics of this demo begin with {prefix} and are deleted at its end")
        own: dict[str, object] = {
            "brokers": kafka.brokers,
            "topic_prefix": prefix,
            "clock": "event",  # the simulator's days pass faster than the wall's
            "session_timeout": 6,  # so long a killed worker's partitions are nobody's; least that any broker allows
            "http_host": "127.0.0.1",
            "metrics_port": free_port(),
        }
        settings = load_settings(**own)
        asyncio.run(reach_broker(settings))
        environment = {f"PALIER_{name.upper()}": str(value) for name, value in own.items()}
        session = Session(plan, settings, environment, folder, say)
        frame = _frame(plan, session.metrics_url)
        console = Console()
        can_draw = live and console.is_terminal and not console.is_dumb_terminal
        view = LiveView(console, frame) if can_draw else PlainView(frame)
        try:
            in_time = asyncio.run(session.play(view))
        finally:
            if prefix:
                asyncio.run(_delete_topics(settings))
    say(_last_line(session.scene, in_time=in_time))
    return ExitCode.DONE if in_time else ExitCode.INTERRUPTED


def say(line: str) -> None:
    """A line of progress, at once also where output is a file."""
    print(line, flush=True)


def _frame(plan: Plan, metrics_url: str) -> Frame:
    palier, python = _own_commands()
    return Frame(
        start_ms=plan.start_ms,
        days=round((now_ms() - plan.start_ms) / DAY_MS),
        metrics_url=metrics_url,
        next_commands=(
            f"{python} -m palier_simulator --jsonl log.jsonl",
            f"{palier} replay log.jsonl --summary > changes.jsonl",
            f"{palier} explain c-000042 --from log.jsonl",
        ),
    )


def _own_commands() -> tuple[str, str]:
    """How to call this `palier` and its Python from a shell in this folder, as short as it works."""
    scripts = Path(sys.executable).parent
    palier, python = scripts / "palier", scripts / "python"
    if shutil.which("palier") == str(palier):
        return "palier", "python"
    short_palier, short_python = (min(os.path.relpath(path), str(path), key=len) for path in (palier, python))
    return short_palier if palier.exists() else f"{short_python} -m palier_cli", short_python


async def _delete_topics(settings: Settings) -> None:
    """Leave nothing on a broker that is not ours; if it is gone, say what stays."""
    try:
        async with connect(settings) as cluster:
            await cluster.delete([contract.name for contract in topic_contracts(settings)])
    except (PalierError, KafkaError) as error:
        say(f"topics with the prefix {settings.topic_prefix} are left on {settings.brokers}: {error}")


def _last_line(scene: Scene, *, in_time: bool) -> str:
    restarted = {0: "never", 1: "once"}.get(scene.restarts, f"{scene.restarts} times")
    return (
        f"{'Done' if in_time else 'Stopped'}: {scene.touchpoints.total} touchpoints became {scene.changes.total} tier "
        f"changes, {sum(scene.refusals.values())} records were refused, the worker was {restarted} restarted. "
        "Nothing is left running."
    )


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder, removed at the end; after trouble the logs in it are kept and the error says where."""
    folder = Path(tempfile.mkdtemp(prefix="palier-demo-"))
    try:
        yield folder
    except PalierError as error:
        kept = [log for log in folder.glob("*.log") if log.stat().st_size]
        shutil.rmtree(folder / "kafka", ignore_errors=True)
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        told = PalierError(f"{error} (logs kept in {folder})")
        told.exit_code = error.exit_code
        raise told from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
