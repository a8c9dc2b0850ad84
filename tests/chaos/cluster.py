"""Three brokers on this machine, each its own process, any one of which may be killed, stopped or paused.

All three are controllers too, so two of them are a quorum. Everything is kept three times, and a write waits for two.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import tempfile
import time
from pathlib import Path
from types import MappingProxyType

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError

from palier.kafka.local import LocalKafka, new_cluster_id
from palier.kafka.ports import HOST, free_port

NUMBERS = (1, 2, 3)
HEAP = "320m"
START_LIMIT_S = 60.0
ASK_LIMIT_S, POLL_S = 20.0, 0.1
NOBODY = -1
GROUP, TRANSACTION = CoordinationType.GROUP, CoordinationType.TRANSACTION

THREE_TIMES = MappingProxyType(
    {
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "share.coordinator.state.topic.replication.factor": "3",
        "share.coordinator.state.topic.min.isr": "2",
        # Leaders stay where a fault has put them; the default brings them back every five minutes.
        "auto.leader.rebalance.enable": "false",
        # The heaps are small.
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
        "log.cleaner.threads": "1",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
)


class ThreeBrokers:
    """A cluster in a folder that goes with it; a context manager. Brokers are called 1, 2 and 3."""

    kind = "local"

    def __init__(self, folder=None, properties=None):
        """Nothing is started yet. `folder`: where to put theirs; None takes one that is removed at the end."""
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="three-brokers-")
        place = Path(folder or self._temporary.name)
        cluster_id, ports = new_cluster_id(), _free_ports(2 * len(NUMBERS))
        voters = ",".join(f"{number}@{HOST}:{ports[-number]}" for number in NUMBERS)
        self._brokers = {
            number: LocalKafka(
                place / f"broker-{number}",
                ports[number - 1],
                properties={
                    **THREE_TIMES,
                    "node.id": str(number),
                    "controller.quorum.voters": voters,
                    "listeners": f"PLAINTEXT://{HOST}:{ports[number - 1]},CONTROLLER://{HOST}:{ports[-number]}",
                    **(properties or {}),
                },
                heap=HEAP,
                cluster_id=cluster_id,
            )
            for number in NUMBERS
        }

    @property
    def brokers(self):
        """Bootstrap servers: all three."""
        return ",".join(broker.brokers for broker in self._brokers.values())

    def __getitem__(self, number):
        """One of the brokers, with all that a `LocalKafka` can."""
        return self._brokers[number]

    def start(self):
        """Start those that do not run, at the same time; return once all answer."""
        for broker in self._brokers.values():
            if broker.pid is None:
                broker.launch()
        for broker in self._brokers.values():
            broker.wait_until_ready(START_LIMIT_S)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for broker in self._brokers.values():
            broker.kill()
        if self._temporary:
            self._temporary.cleanup()

    # --- who does what ------------------------------------------------------------------------------------------------
    def leader(self, topic, partition=0):
        """Which broker leads a partition."""
        return self._ask(_leader, topic, partition)

    def coordinator(self, kind, key):
        """Which broker looks after a group (GROUP) or a transactional id (TRANSACTION)."""
        return self._ask(_coordinator, kind, key)

    def controller(self):
        """Which broker leads the quorum: the active controller."""
        deadline = time.monotonic() + ASK_LIMIT_S
        while len(found := {quorum_leader(broker.port) for broker in self._running()}) != 1 or found == {NOBODY}:
            assert time.monotonic() < deadline, f"the brokers do not agree on a controller: {found}"
            time.sleep(POLL_S)
        return found.pop()

    def _ask(self, question, *about):
        """The answer of brokers that run, asked again as long as there is none."""
        deadline = time.monotonic() + ASK_LIMIT_S
        running = ",".join(broker.brokers for broker in self._running())
        while (number := asyncio.run(_answer(running, question, *about))) not in NUMBERS:
            assert time.monotonic() < deadline, f"no broker has become {question.__name__[1:]} of {about}"
            time.sleep(POLL_S)
        return number

    def _running(self):
        return [broker for broker in self._brokers.values() if broker.pid is not None]


def pause(broker):
    """SIGSTOP: its connections stay open and nothing is answered."""
    os.kill(broker.pid, signal.SIGSTOP)


def resume(broker):
    """SIGCONT."""
    os.kill(broker.pid, signal.SIGCONT)


def quorum_leader(port):
    """Whom the broker on a port takes for the leader of the metadata quorum; NOBODY while there is none.

    DescribeQuorum (key 55, version 0) about partition 0 of the metadata log. Clients cannot ask for it, and what a
    Metadata response calls the controller is any broker, in KRaft.
    """
    topic = b"__cluster_metadata"
    header = struct.pack(">hhihB", 55, 0, 1, -1, 0)
    # Compact arrays and strings are one longer than they say; each structure ends with its tagged fields, none.
    body = bytes([2, len(topic) + 1]) + topic + bytes([2]) + struct.pack(">iB", 0, 0) + bytes([0, 0])
    request = header + body
    with socket.create_connection((HOST, port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.makefile("rb")
        (size,) = struct.unpack(">i", answer.read(4))
        response = answer.read(size)
    # correlation id, tags, error | topics, name | partitions, index, error, leader
    place = 4 + 1 + 2 + 1 + 1 + len(topic) + 1 + 4 + 2
    return struct.unpack_from(">i", response, place)[0]


async def _answer(brokers, question, *about):
    client = AIOKafkaClient(bootstrap_servers=brokers)
    await client.bootstrap()
    try:
        return await question(client, *about)
    except KafkaError:  # who it was is gone, or the topic of coordinators is being made
        return None
    finally:
        await client.close()


async def _leader(client, topic, partition):
    client.add_topic(topic)
    await client.force_metadata_update()
    return client.cluster.leader_for_partition(TopicPartition(topic, partition))


async def _coordinator(client, kind, key):
    return await client.coordinator_lookup(kind, key)


def _free_ports(count):
    ports = set()
    while len(ports) < count:
        ports.add(free_port())
    return sorted(ports)
