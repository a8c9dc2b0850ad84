"""How the one broker of a demo or a test is set up, from jars and in a container alike."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ONE_NODE: Final = MappingProxyType(
    {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        # A topic that is not there is a mistake to report, not to paper over.
        "auto.create.topics.enable": "false",
        # No replicas, few partitions of internal topics, no waiting for further members of a group.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # After a kill the controller takes the dead broker for alive that long, and its successor waits; Kafka's is 9 s.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # Kafka's own 128 MiB is made for larger heaps; this still compacts a million keys in one pass.
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
    }
)
