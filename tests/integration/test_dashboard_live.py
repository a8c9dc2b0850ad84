"""A real Prometheus scrapes a worker's endpoint and answers every query of the dashboard."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from external_tools import external_tool
from palier.endpoint import HealthServer
from palier.health import Health, WorkerState
from palier.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BOARD = json.loads((ROOT / "deploy/grafana/dashboards/palier.json").read_text())
WAIT_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def worker_endpoint() -> Iterator[int]:
    """The port of an endpoint of a worker that has one partition and has done everything once."""
    health = Health()
    metrics = Metrics(types=["page.viewed"], tiers=["engaged"], reasons=["future"], health=health)
    metrics.pack("default", 1, "digest")
    metrics.topic_partitions(1)
    metrics.worker_state(WorkerState.RUNNING)
    metrics.partition_assigned(0)
    metrics.standby_partitions({1})
    metrics.standby_lag(1, 2)
    metrics.recovery_time_left(1.5)
    metrics.partition_recovered(0, seconds=0.5)
    metrics.lag(0, records=1, seconds=1)
    metrics.stuck(0, seconds=1)
    metrics.event_time(0, 1_700_000_000_000)
    metrics.contacts(0, {"engaged": 1})
    metrics.checkpoint_committed(0, seconds=0.1, records={"meta": 1}, timestamps_ms=[int(time.time() * 1000)])
    server = HealthServer("127.0.0.1", 0, metrics, health)
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def prometheus(endpoint: int, folder: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes the endpoint every second, with the scrape job of the deployment."""
    program = external_tool("prometheus")
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    (job,) = configuration["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{endpoint}"]}]
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, f"--config.file={file}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}"],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def ask(address: str, expression: str) -> list[Any]:
    """The series that answer an instant query; none while Prometheus is starting."""
    try:
        with urlopen(f"{address}/api/v1/query?{urlencode({'query': expression})}", timeout=10) as answer:
            return json.load(answer)["data"]["result"]
    except (URLError, ConnectionError):
        return []


def filled(expression: str) -> str:
    """The expression with Grafana's variables at their first values."""
    for name, value in (("$__rate_interval", "20s"), ("$job", ".+"), ("$instance", ".+")):
        expression = expression.replace(name, value)
    return expression


def test_every_panel_has_an_answer(tmp_path: Path) -> None:
    """A query that is valid but finds nothing shows an empty panel for ever; after two scrapes none may be empty."""
    with worker_endpoint() as endpoint, prometheus(endpoint, tmp_path) as address:
        until = time.monotonic() + WAIT_S
        while not ask(address, "count_over_time(palier_build_info[1m]) >= 3"):
            if time.monotonic() > until:
                pytest.fail((tmp_path / "log").read_text()[-2000:])
            time.sleep(0.2)
        empty = [
            f"{panel['title']}: {target['expr']}"
            for panel in BOARD["panels"]
            for target in panel.get("targets", ())
            if not ask(address, filled(target["expr"]))
        ]
    assert empty == []
