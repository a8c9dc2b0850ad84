"""In which order a Kafka is looked for, and how it is noticed that no Docker engine is there."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from palier.kafka import local
from palier.kafka.container import docker_answers
from palier.kafka.local import FoundKafka, find_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Engine(BaseHTTPRequestHandler):
    """As much of a Docker engine as detection asks for."""

    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.44"}' if self.path.endswith("/version") else b"OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """A test's output is no place for requests."""


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("docker")
def test_an_engine_that_answers_is_found():
    """An engine where DOCKER_HOST points is one to use."""
    assert docker_answers()


@pytest.mark.parametrize("scheme", ["unix", "tcp"])
def test_a_missing_engine_is_noticed_at_once(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No engine costs less than a second, and no exception."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock" if scheme == "unix" else "tcp://127.0.0.1:9")
    began = time.monotonic()
    assert not docker_answers()
    assert time.monotonic() - began < 1


def test_a_given_broker_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An argument wins over PALIER_BROKERS, and that over anything that would have to be started."""
    monkeypatch.setattr(local, "docker_answers", lambda: pytest.fail("asked for Docker"))
    monkeypatch.setenv("PALIER_BROKERS", "kafka-1:9092")
    with find_kafka(None, tmp_path) as found:
        assert found == FoundKafka("kafka-1:9092", "given")
    with find_kafka("kafka-2:9092", tmp_path) as found:
        assert found == FoundKafka("kafka-2:9092", "given")


def test_a_container_comes_before_a_local_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where an engine answers, Kafka runs in a container, and the container is gone afterwards."""
    events: list[str] = []

    @contextmanager
    def container(_say: object) -> Iterator[str]:
        events.append("started")
        yield "docker-host:32768"
        events.append("removed")

    monkeypatch.setattr(local, "docker_answers", lambda: True)
    monkeypatch.setattr(local, "kafka_container", container)
    with find_kafka(None, tmp_path) as found:
        assert found == FoundKafka("docker-host:32768", "container")
    assert events == ["started", "removed"]
