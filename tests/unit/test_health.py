"""Liveness, readiness and the endpoint that tells them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING

import pytest

from palier.endpoint import HealthServer
from palier.errors import ConfigurationError
from palier.health import Health, Heartbeat, WorkerState
from palier.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """A worker's metrics and health behind a running endpoint."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.heartbeat = Heartbeat(limit_s=30, clock=self.clock)
        self.health = Health(self.heartbeat)
        self.metrics = Metrics(types=["page.viewed"], tiers=["engaged"], reasons=["empty"], health=self.health)
        self.server = HealthServer("127.0.0.1", 0, self.metrics, self.health)
        self.port = self.server.start()

    def ask(self, path: str, method: str = "GET", accept: str = "") -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, headers={"Accept": accept})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def ready(self) -> tuple[int, object]:
        response, body = self.ask("/readyz")
        return response.status, json.loads(body)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.server.stop()


def test_live_while_the_loop_turns(worker: Worker) -> None:
    """200 as long as the heartbeat is younger than its limit, 503 from then on, 200 again after the next touch."""
    assert worker.ask("/livez")[0].status == 200
    worker.clock.now += 29.9
    assert worker.ask("/livez")[0].status == 200
    worker.clock.now += 0.1
    response, body = worker.ask("/livez")
    assert response.status == 503
    assert json.loads(body) == {"heartbeat_age_s": 30.0, "limit_s": 30}
    worker.heartbeat.touch()
    assert worker.ask("/livez")[0].status == 200


def test_a_blocked_loop_is_seen_from_outside(worker: Worker) -> None:
    """The loop's own task keeps the heartbeat young; a loop that hangs in a call stops it, and the endpoint says so."""
    touched, let_go = threading.Event(), threading.Event()

    async def beat_then_hang() -> None:
        keeping = asyncio.create_task(worker.heartbeat.keep(every_s=0.01))
        for _ in range(3):
            worker.clock.now += 60
            await asyncio.sleep(0.05)
        touched.set()
        let_go.wait(timeout=30)  # what a fold that never returns does to the loop
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    loop = threading.Thread(target=lambda: asyncio.run(beat_then_hang()))
    loop.start()
    try:
        assert touched.wait(timeout=30), "the task never touched the heartbeat"
        assert worker.ask("/livez")[0].status == 200
        worker.clock.now += 60
        assert worker.ask("/livez")[0].status == 503
    finally:
        let_go.set()
        loop.join(timeout=30)


def test_ready_when_joined_and_recovered(worker: Worker) -> None:
    """Not before joining; not while a partition is recovering; then yes; not while draining."""
    assert worker.ready() == (503, {"state": "starting", "partitions": {}})
    worker.metrics.worker_state(WorkerState.JOINING)
    assert worker.ready() == (503, {"state": "joining", "partitions": {}})
    worker.metrics.worker_state(WorkerState.RUNNING)
    worker.metrics.partition_assigned(3)
    worker.metrics.partition_assigned(4)
    worker.metrics.recovery_remaining(3, 12_034)
    worker.metrics.partition_recovered(4, seconds=1)
    assert worker.ready() == (503, {"state": "recovering", "partitions": {"3": {"remaining": 12_034}}})
    worker.metrics.partition_recovered(3, seconds=2)
    assert worker.ready() == (200, {"state": "running", "partitions": {}})
    worker.metrics.worker_state(WorkerState.DRAINING)
    assert worker.ready() == (503, {"state": "draining", "partitions": {}})


def test_a_worker_without_partitions_is_ready(worker: Worker) -> None:
    """More workers than partitions is lawful: the spare one must not hold up a rollout."""
    worker.metrics.worker_state(WorkerState.RUNNING)
    assert worker.ready()[0] == 200


def test_a_partition_taken_away_is_not_waited_for(worker: Worker) -> None:
    """A partition revoked during its recovery no longer stands in the way."""
    worker.metrics.worker_state(WorkerState.RUNNING)
    worker.metrics.partition_assigned(3)
    assert worker.ready()[0] == 503
    worker.metrics.partition_revoked(3)
    assert worker.ready()[0] == 200


def test_a_late_word_about_recovery_changes_nothing() -> None:
    """A recovered partition does not fall back into recovery, and one that is not ours is not taken up."""
    health = Health()
    health.enter(WorkerState.RUNNING)
    health.assigned(1)
    health.recovered(1)
    health.recovering(1, 50)
    health.recovered(2)
    health.recovering(2, 50)
    assert health.readiness().ready
    assert not health.owns(2)


def test_metrics_in_the_format_asked_for(worker: Worker) -> None:
    """Plain text by default, OpenMetrics when Prometheus asks for it."""
    response, body = worker.ask("/metrics?ignored=1")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert b"palier_worker_state" in body
    response, body = worker.ask("/metrics", accept="application/openmetrics-text;version=1.0.0")
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_head_has_no_body(worker: Worker) -> None:
    """HEAD answers with the status and length of GET, without its body."""
    response, body = worker.ask("/readyz", method="HEAD")
    assert response.status == 503
    assert int(response.headers["Content-Length"]) > 0
    assert body == b""


def test_unknown_paths_and_methods_are_refused(worker: Worker) -> None:
    """Nothing but three paths is served and nothing can be written; the software's version stays untold."""
    response, body = worker.ask("/")
    assert response.status == 404
    assert "/metrics" in json.loads(body)["paths"]
    assert response.headers["Server"].strip() == "palier"
    assert worker.ask("/metrics", method="POST")[0].status == 501


def test_a_taken_port_names_the_setting() -> None:
    """Two workers on one machine: the second says which variable to change, and ends as wrong use."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        health = Health()
        server = HealthServer("127.0.0.1", port, Metrics(types=[], tiers=[], reasons=[], health=health), health)
        with pytest.raises(ConfigurationError, match=f"port {port} .* PALIER_METRICS_PORT"):
            server.start()
        server.stop()


def test_a_foreign_address_names_the_setting() -> None:
    """An address that is not this machine's is wrong use as well, of the other variable."""
    health = Health()
    server = HealthServer("192.0.2.1", 0, Metrics(types=[], tiers=[], reasons=[], health=health), health)
    with pytest.raises(ConfigurationError, match="PALIER_HTTP_HOST"):
        server.start()


def test_stop_gives_the_port_back() -> None:
    """After stop the port can be taken again at once, and a second stop does no harm."""
    health = Health()
    metrics = Metrics(types=[], tiers=[], reasons=[], health=health)
    first = HealthServer("127.0.0.1", 0, metrics, health)
    port = first.start()
    first.stop()
    first.stop()
    second = HealthServer("127.0.0.1", port, metrics, health)
    assert second.start() == port
    second.stop()
