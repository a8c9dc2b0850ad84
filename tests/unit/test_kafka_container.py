"""The broker in a container, as far as that can be proved without an engine: what the container is told, and when."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest
from docker.errors import APIError
from testcontainers.core import container as testcontainers

from palier.errors import BrokerUnreachableError
from palier.kafka.container import CLIENT_PORT, IMAGE, SCRIPT, kafka_container


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch):
    """A container with testcontainers' own methods and signatures, on an engine that maps ports to 32768."""
    made = create_autospec(testcontainers.DockerContainer, instance=True)
    made.get_container_host_ip.return_value = "docker-host"
    made.get_exposed_port.return_value = 32768
    made.get_logs.return_value = (b"INFO [KafkaRaftServer nodeId=1] Kafka Server started", b"")
    monkeypatch.setattr(testcontainers, "DockerContainer", create_autospec(testcontainers.DockerContainer))
    testcontainers.DockerContainer.return_value = made
    return made


def test_the_broker_learns_its_address_before_it_starts(container):
    """Clients are sent to the port that the engine chose; the container waits for it and is removed at the end."""
    with kafka_container(lambda _line: None) as brokers:
        assert brokers == "docker-host:32768"
        container.stop.assert_not_called()
    container.stop.assert_called_once()
    testcontainers.DockerContainer.assert_called_once_with(IMAGE)
    container.get_exposed_port.assert_called_with(CLIENT_PORT)
    environment = dict(call.args for call in container.with_env.call_args_list)
    assert environment["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert f"PLAINTEXT://0.0.0.0:{CLIENT_PORT}" in environment["KAFKA_LISTENERS"]
    assert "KAFKA_ADVERTISED_LISTENERS" not in environment
    script, path = container.copy_into_container.call_args.args
    assert path == SCRIPT
    assert b"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://docker-host:32768," in script
    order = [call[0] for call in container.method_calls]
    assert order.index("with_command") < order.index("start") < order.index("copy_into_container")


def test_an_engine_that_cannot_run_it_is_an_error_with_a_way_out(container):
    """No image to be had: one error that says so and names PALIER_BROKERS, and no container left."""
    container.start.side_effect = APIError("no such image")
    with (
        pytest.raises(BrokerUnreachableError, match=r"apache/kafka.*PALIER_BROKERS.*no such image"),
        kafka_container(lambda _line: None),
    ):
        pytest.fail("it did not start")
    container.stop.assert_called_once()
