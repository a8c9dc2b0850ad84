"""Apache Kafka in a container, where a Docker engine answers, through testcontainers."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from palier.errors import BrokerUnreachableError
from palier.kafka.jars import KAFKA_VERSION
from palier.kafka.one_node import ONE_NODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testcontainers.core.container import DockerContainer

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
DETECTION_TIMEOUT_S = 0.5
START_TIMEOUT_S = 120
CLIENT_PORT = 9093
SCRIPT = "/tmp/palier-start.sh"  # noqa: S108 - a path in the container, where nobody else is
LISTENERS = {
    "listeners": f"PLAINTEXT://0.0.0.0:{CLIENT_PORT},BROKER://localhost:9092,CONTROLLER://localhost:9094",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.quorum.voters": "1@localhost:9094",
}


def docker_answers() -> bool:
    """Whether testcontainers is installed and finds an engine that answers; at most about a second."""
    try:
        from docker.errors import DockerException  # type: ignore[import-untyped]  # Docker ships no types
        from testcontainers.core.docker_client import DockerClient, get_docker_host
    except ModuleNotFoundError:
        return False
    # Docker's own client leaves a socket open when nobody listens, so look first.
    if not _accepts(get_docker_host() or "unix:///var/run/docker.sock"):
        return False
    try:
        client = DockerClient(timeout=1).client
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (DockerException, OSError):
        return False


def _accepts(engine: str) -> bool:
    """Whether somebody accepts connections at the engine's address; True for schemes only Docker's client speaks."""
    address = urlsplit(engine)
    try:
        if address.scheme in {"unix", "http+unix"}:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(DETECTION_TIMEOUT_S)
                connection.connect(address.path)
        elif address.scheme in {"tcp", "http", "https"}:
            socket.create_connection((address.hostname or "", address.port or 2375), DETECTION_TIMEOUT_S).close()
    except OSError:
        return False
    return True


@contextmanager
def kafka_container(say: Callable[[str], object] = print) -> Iterator[str]:
    """Run a broker in a container; yields its bootstrap servers and removes the container at the end.

    Raises:
        BrokerUnreachableError: the engine could not fetch or start it.
    """
    from docker.errors import DockerException
    from testcontainers.core.container import DockerContainer

    say(f"Starting Apache Kafka {KAFKA_VERSION} in a container ({IMAGE})")
    container = DockerContainer(IMAGE)
    try:
        try:
            brokers = _start(container)
        except (DockerException, OSError, RuntimeError) as error:
            raise BrokerUnreachableError(
                f"Docker could not run {IMAGE}; set PALIER_BROKERS to a running broker ({type(error).__name__}: {error})"
            ) from None
        yield brokers
    finally:
        container.stop()


def _start(container: DockerContainer) -> str:
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    container.with_exposed_ports(CLIENT_PORT)
    for name, value in (ONE_NODE | LISTENERS).items():
        container.with_env("KAFKA_" + name.upper().replace(".", "_"), value)
    # Clients connect to a port that Docker chooses at the start, and the broker must know it: so it waits for a script.
    container.with_command(["sh", "-c", f"until [ -f {SCRIPT} ]; do sleep 0.1; done; . {SCRIPT}"])
    container.start()
    brokers = f"{container.get_container_host_ip()}:{container.get_exposed_port(CLIENT_PORT)}"
    advertised = f"PLAINTEXT://{brokers},BROKER://localhost:9092"
    script = f"export KAFKA_ADVERTISED_LISTENERS={advertised}\nexec /etc/kafka/docker/run\n"
    container.copy_into_container(script.encode(), SCRIPT)
    LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(START_TIMEOUT_S).wait_until_ready(container)
    return brokers
