"""`palier kafka`: a broker in the foreground that ends when it is asked to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from cli_logs import palier
from palier.kafka.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from palier.kafka.local import FoundKafka

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped_and_leaves_no_process(
    kafka: FoundKafka, tmp_path: Path, number: signal.Signals
) -> None:
    """Says where it listens, answers there, keeps its data in the folder, and ends the broker on Ctrl-C and SIGTERM."""
    assert kafka.brokers  # Kafka can be had on this machine
    port = free_port()
    command = [sys.executable, "-m", "palier_cli", "kafka", "--port", str(port), "--data-dir", str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert f"127.0.0.1:{port}" in process.stdout.readline()
        (broker,) = psutil.Process(process.pid).children()
        assert palier("topics", "--apply", PALIER_BROKERS=f"127.0.0.1:{port}", PALIER_PARTITIONS="1").returncode == 0
        os.kill(process.pid, number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert not broker.is_running()
    assert any((tmp_path / "data").iterdir())


def test_a_taken_port_is_one_line(tmp_path: Path, kafka: FoundKafka) -> None:
    """Exit code 2, naming the port."""
    assert kafka.brokers
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = palier("kafka", "--port", str(port), "--data-dir", tmp_path)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert f"port {port} is taken" in line
