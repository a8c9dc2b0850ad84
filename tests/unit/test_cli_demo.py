"""The parts of `palier demo`, without a broker: what is counted, when a worker is started again, what is drawn."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from palier.contracts.tier_change import TierChange
from palier.errors import ExitCode, PalierError
from palier.metrics import Metrics
from palier_cli.demo.children import Child
from palier_cli.demo.gauges import Gauges, parse
from palier_cli.demo.scene import Meter, Scene, Tally
from palier_cli.demo.screen import Frame, draw
from palier_cli.demo.supervisor import FAULTS_AT_MOST, STEADY_AFTER_S, Supervisor
from palier_cli.demo.views import describe, status

if TYPE_CHECKING:
    from pathlib import Path

TIERS = ("unengaged", "engaged", "engaged-to-buy", "engaged-to-influence")
START_MS = 1_767_225_600_000  # 2026-01-01
FRAME = Frame(START_MS, 365, "http://127.0.0.1:9464/metrics", ("palier one", "palier two", "palier three"))


def event(number: int, **members: Any) -> TierChange:
    values = {
        "contact_id": f"c-{number:06d}",
        "sequence": 1,
        "from": "engaged",
        "to": "engaged-to-buy",
        "direction": "up",
        "gained": ["engaged-to-buy"],
        "lost": [],
        "occurred_at": "2026-03-05T14:05:00.000Z",
        "cause": "touchpoint",
        "touchpoint_id": "t",
        "held": ["engaged", "engaged-to-buy"],
        "channels": ["email"],
        "scores": {"intent": 42.0},
        "touchpoint_source": "shop",
        "thresholds": {"engaged-to-buy": {"intent": 38.0}},
        "reasons": [
            {
                "touchpoint_id": "t",
                "source": "shop",
                "type": type_,
                "channel": "web",
                "object_id": None,
                "campaign_id": None,
                "axis": "intent",
                "weight": worth,
                "worth": worth,
                "occurred_at": "2026-03-05T14:05:00.000Z",
            }
            for type_, worth in (("checkout.started", 30.0), ("cart.added", 12.0))
        ],
        "pack": {"name": "default", "version": 1, "digest": "0" * 64},
        "recorded_at": "2026-03-05T14:05:00.000Z",
    }
    return TierChange.model_validate({**values, **members})


def busy_scene() -> Scene:
    scene = Scene(dict(zip(TIERS, (1_038, 800, 120, 42), strict=True)))
    scene.event_time_ms = START_MS + 63 * 86_400_000
    scene.worker, scene.lag = "running", 12
    scene.refusals = {"not-json": 20, "invalid": 103}
    for second in range(3):
        scene.touchpoints.add(1_000, float(second))
        scene.changes.add(4, float(second))
    scene.latest.extend(event(number) for number in range(10))
    return scene


def drawn(scene: Scene, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(draw(scene, FRAME, width, height), end="")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


# Counting


def test_a_meter_tells_the_rate_of_the_last_seconds_only() -> None:
    """A burst of a minute ago is no speed of now."""
    meter = Meter()
    meter.add(60_000, 0.0)
    for second in range(60, 71):
        meter.add(100, float(second))
    assert meter.total == 61_100
    assert meter.per_second == pytest.approx(100)


def test_a_tally_goes_on_when_the_counted_process_begins_anew() -> None:
    """A restarted worker counts from 0 again; the demo's sum does not fall."""
    tally = Tally()
    assert [tally.read({"a": value}) for value in (5, 8, 2, 3)] == [5, 3, 2, 1]
    assert tally.totals == {"a": 11}


# Figures of the worker


def worker_metrics() -> Metrics:
    return Metrics(types=["page.viewed"], tiers=TIERS[1:], reasons=["invalid", "not-json"])


def page_of(metrics: Metrics) -> str:
    return metrics.render()[0].decode()


def test_the_scene_shows_what_the_workers_own_metrics_say() -> None:
    """Read through the real metrics, so a renamed metric or label fails here."""
    from palier.health import WorkerState

    metrics = worker_metrics()
    for partition in (0, 1):
        metrics.partition_assigned(partition)
        metrics.partition_recovered(partition)
        metrics.contacts(partition, {"engaged": 3, "unengaged": 4})
        metrics.lag(partition, records=5, seconds=1.0)
        metrics.event_time(partition, START_MS + partition)
    metrics.worker_state(WorkerState.RUNNING)
    metrics.touchpoints_committed({("page.viewed", "scored"): 7, ("other", "late"): 2, ("other", "refused"): 3})
    metrics.dead_letters_committed({"invalid": 3})
    scene = Scene(dict.fromkeys(TIERS, 0))
    Gauges("http://unused", scene).take(parse(page_of(metrics)), now=0.0)
    assert scene.tiers == {"unengaged": 8, "engaged": 6, "engaged-to-buy": 0, "engaged-to-influence": 0}
    assert (scene.touchpoints.total, scene.refusals, scene.lag) == (9, {"invalid": 3}, 10)
    assert (scene.event_time_ms, scene.worker) == (START_MS + 1, "running")


def test_a_worker_that_recovers_does_not_empty_the_tiers() -> None:
    """It does not know its contacts yet; the last known counts stand until it does."""
    metrics = worker_metrics()
    metrics.partition_assigned(0)
    metrics.recovery_remaining(0, 1_000)
    metrics.contacts(0, {"engaged": 1})
    scene = Scene(dict.fromkeys(TIERS, 50))
    Gauges("http://unused", scene).take(parse(page_of(metrics)), now=0.0)
    assert scene.tiers == dict.fromkeys(TIERS, 50)
    assert scene.worker != "running"


# Supervision


class ScriptedChild:
    """A child that ends as the test says."""

    name = "worker"

    def __init__(self) -> None:
        self.starts = 0
        self.code: int | None = None

    def start(self) -> None:
        self.starts += 1
        self.code = None

    def exit_code(self) -> int | None:
        return self.code

    def last_words(self, lines: int = 5) -> str:
        return "its last line"


def supervised() -> tuple[Supervisor, Any]:
    child: Any = ScriptedChild()
    supervisor = Supervisor(child)
    supervisor.start(0.0)
    return supervisor, child


@pytest.mark.parametrize("code", [ExitCode.INTERNAL, -9])
def test_a_fault_of_the_worker_starts_it_again_with_growing_pauses(code: int) -> None:
    """Exit code 70 and a death by signal lose nothing; each fault in a row waits twice as long."""
    supervisor, child = supervised()
    now, pauses = 0.0, []
    for restart in range(1, FAULTS_AT_MOST + 1):
        child.code, died = code, now
        while child.starts == restart:
            now += 0.25
            supervisor.look(now)
        pauses.append(now - died)
    assert supervisor.restarts == FAULTS_AT_MOST
    assert pauses == sorted(pauses)
    assert pauses[0] < 1.0
    child.code = code
    with pytest.raises(PalierError, match="its last line"):
        supervisor.look(now + 1)


def test_a_steady_run_forgives_earlier_faults() -> None:
    """Faults hours apart are never too many."""
    supervisor, child = supervised()
    now = 0.0
    for _ in range(3 * FAULTS_AT_MOST):
        now += STEADY_AFTER_S
        child.code = ExitCode.INTERNAL
        supervisor.look(now)
        now += 1.0
        supervisor.look(now)
    assert supervisor.restarts == 3 * FAULTS_AT_MOST


@pytest.mark.parametrize(
    ("code", "ends_with"),
    [(2, 2), (65, 65), (69, 69), (0, 70), (1, 70), (130, 130)],
)
def test_what_a_restart_cannot_mend_ends_the_demo_with_the_workers_code(code: int, ends_with: int) -> None:
    """Wrong settings stay wrong; and a worker that just leaves is a fault."""
    supervisor, child = supervised()
    child.code = code
    with pytest.raises(PalierError, match=r"the worker ended: .*; it said: its last line") as caught:
        supervisor.look(1.0)
    assert caught.value.exit_code == ends_with


def test_a_child_runs_apart_and_its_output_is_kept(tmp_path: Path) -> None:
    """In a session of its own, so that Ctrl-C in the terminal does not reach it; what it says lands in its log."""
    module = tmp_path / "chatty.py"
    module.write_text(
        "import os, time\nprint('session', os.getsid(0), os.environ['MARK'], flush=True)\ntime.sleep(60)\n"
    )
    child = Child("chatty", "chatty", (), {"MARK": "set", "PYTHONPATH": str(tmp_path)}, tmp_path / "chatty.log")
    child.start()
    try:
        assert child.exit_code() is None
        deadline = time.monotonic() + 30
        while not child.last_words() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert child.last_words() == f"session {child.pid} set"
    finally:
        child.kill()
    assert (child.pid, child.exit_code()) == (None, -9)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_dies_with_a_parent_that_cannot_clean_up(tmp_path: Path) -> None:
    """Kill -9 on the demo leaves no worker behind."""
    import subprocess

    import psutil

    (tmp_path / "sleeper.py").write_text("import time\ntime.sleep(60)\n")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom palier_cli.demo.children import Child\n"
        f"child = Child('sleeper', 'sleeper', (), {{'PYTHONPATH': {str(tmp_path)!r}}}, Path({str(tmp_path / 'log')!r}))\n"
        "child.start()\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    child.wait(timeout=10)


# Drawing


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (100, 30), (200, 60)])
def test_the_screen_fits_and_holds_everything(width: int, height: int) -> None:
    """Tiers, speed, refusals, ten changes, three next commands, the metrics' address: in 80 x 24 and above."""
    lines = drawn(busy_scene(), width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    for part in (
        "2026-03-05 00:00 UTC simulated · day 64 of 365",
        "800  40 %",
        "1 000 touchpoints/s · 4.0 tier changes/s · 12 waiting · worker running",
        "3 000 touchpoints · 12 tier changes",
        "123 refused (invalid 103, not-json 20)",
        "palier three",
        "http://127.0.0.1:9464/metrics",
    ):
        assert part in text
    assert sum("checkout.started +30" in line for line in lines) == 10


@pytest.mark.parametrize(("width", "height"), [(80, 20), (60, 18), (40, 12)])
def test_a_small_screen_loses_its_foot_and_not_its_width(width: int, height: int) -> None:
    """What matters stands above; no line breaks."""
    lines = drawn(busy_scene(), width, height)
    assert max(map(len, lines)) <= width
    assert "palier three" not in "\n".join(lines)
    assert lines[0].startswith(" Pal")


def test_an_empty_scene_is_drawn_as_such() -> None:
    """Before the first touchpoint nothing is invented: no date, no share, no speed."""
    text = "\n".join(drawn(Scene(dict.fromkeys(TIERS, 0)), 80, 24))
    assert "no touchpoint yet" in text
    assert "0 touchpoints/s · 0.0 tier changes/s · ? waiting · worker starting" in text
    assert "none refused" in text
    assert "%" not in text


def test_bars_are_in_proportion() -> None:
    """The longest bar is the largest tier; half as many contacts, half as long."""
    scene = Scene(dict(zip(TIERS, (400, 200, 0, 0), strict=True)))
    lengths = {
        line.split()[0]: line.count("█") for line in drawn(scene, 120, 40) if line.startswith((" un", " engaged "))
    }
    assert lengths["engaged"] == pytest.approx(lengths["unengaged"] / 2, abs=1)


def test_after_the_simulated_year_the_title_says_that_it_is_live() -> None:
    """From then on a day takes a day."""
    scene = busy_scene()
    scene.event_time_ms = START_MS + 366 * 86_400_000
    assert "live, in real time" in drawn(scene, 80, 24)[0]


def test_a_restart_is_told() -> None:
    """The view hides no fault."""
    scene = busy_scene()
    scene.restarts = 2
    assert "worker running, restarted 2 x" in "\n".join(drawn(scene, 100, 30))


def test_plain_lines_tell_the_same() -> None:
    """For pipes: one line per change with its reason, and a line on how things stand."""
    assert describe(event(7)) == (
        "2026-03-05 14:05  c-000007  engaged -> engaged-to-buy  because checkout.started +30, cart.added +12"
    )
    assert status(busy_scene()) == (
        "-- 2026-03-05 00:00: 3000 touchpoints (1000/s), 12 tier changes, 123 refused (invalid 103, not-json 20); "
        "engaged-to-influence 42, engaged-to-buy 120, engaged 800, unengaged 1038; worker running"
    )


def test_an_erasure_is_told_though_its_event_has_no_scores() -> None:
    """The event of an erasure lacks held, channels, scores, thresholds and reasons."""
    bare = event(1).model_dump(
        by_alias=True, mode="json", exclude={"held", "channels", "scores", "thresholds", "reasons"}
    )
    erased = TierChange.model_validate(
        {**bare, "cause": "erasure", "to": "unengaged", "gained": [], "lost": ["engaged"]}
    )
    assert describe(erased).endswith("engaged -> unengaged  erased on request")
