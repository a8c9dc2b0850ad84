"""`palier topics` on a real Kafka: what is needed, what differs, and making up the difference."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cli_logs import palier
from palier.contracts.topics import topic_contracts
from palier.errors import ExitCode
from palier.kafka.cluster import connect
from palier.settings import Settings
from worker_kit.process import environment, run_to_its_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import MakeKafka
    from palier.kafka.local import FoundKafka


@pytest.fixture
def fresh(kafka: FoundKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A prefix under which there is no topic yet; what a test makes there is deleted."""
    settings = Settings(
        brokers=kafka.brokers, topic_prefix=f"cli-{tmp_path_factory.mktemp('prefix').stat().st_ino}-", partitions=3
    )
    yield settings
    asyncio.run(_delete(settings))


async def _delete(settings: Settings) -> None:
    async with connect(settings) as cluster:
        await cluster.delete([contract.name for contract in topic_contracts(settings)])


def topics(settings: Settings, *arguments: str, **overrides: str) -> tuple[int, str]:
    """Exit code and table."""
    variables = {
        "PALIER_BROKERS": settings.brokers,
        "PALIER_TOPIC_PREFIX": settings.topic_prefix,
        "PALIER_PARTITIONS": str(settings.partitions),
        "COLUMNS": "200",
    }
    done = palier("topics", *arguments, **{**variables, **overrides})
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def test_from_missing_to_as_needed(fresh: Settings) -> None:
    """First all are missing and block a worker, --apply makes them, then nothing differs; --apply twice changes nothing."""
    names = [contract.name for contract in topic_contracts(fresh)]
    code, table = topics(fresh)
    assert code == ExitCode.WRONG_USE
    trouble = f"blocks a worker: the topic is missing, needed there, with 3 partitions ({', '.join(names)}): run "
    assert f"{trouble}`palier topics --apply`" in table
    code, table = topics(fresh, "--apply")
    assert code == 0
    assert all(f"made topic {name} with 3 partitions" in table for name in names)
    for arguments in ((), ("--apply",)):
        code, table = topics(fresh, *arguments)
        assert code == 0
        assert f"all as needed at {fresh.brokers}" in table
        assert "made" not in table


def test_a_wrong_partition_count_blocks_and_is_never_mended(fresh: Settings) -> None:
    """Contacts would be in two places: the table says so, and --apply keeps its hands off."""
    topics(fresh, "--apply")
    for arguments in ((), ("--apply",)):
        code, table = topics(fresh, *arguments, PALIER_PARTITIONS="5")
        assert code == ExitCode.WRONG_USE
        assert "partition count is 3, needed 5" in table
    assert topics(fresh)[0] == 0


def test_brokers_that_refuse_what_a_worker_needs(make_kafka: MakeKafka) -> None:
    """What topics lack is mended; what brokers lack is told with its remedy, and no worker starts until it is set."""
    broker = make_kafka(
        {
            "transaction.max.timeout.ms": "20000",
            "transaction.partition.verification.enable": "false",
            "min.insync.replicas": "2",
            "message.max.bytes": "100000",
            "log.retention.bytes": "1000000",
        }
    )
    settings = Settings(brokers=broker.brokers, partitions=2, metrics_port=0, data_dir=broker.data_dir / "palier")
    asyncio.run(_create_carelessly(settings, "tier-current"))
    code, table = topics(settings, "--apply")
    assert code == ExitCode.WRONG_USE
    assert "made topic touchpoints with 2 partitions" in table
    assert "tier-current: min.insync.replicas was 2, now 1" in table
    assert "tier-changes: max.message.bytes was 100000, now 1048576" in table
    told = [line for line in table.splitlines() if line.startswith(("blocks a worker", "should be mended"))]
    assert [line.split(" (")[0] for line in told] == [
        "blocks a worker: transaction.max.timeout.ms is 20000, needed at least 30000",
        "should be mended: retention.bytes is 1000000, needed -1",
        "should be mended: transaction.partition.verification.enable is false, needed true",
    ]
    code, lines = run_to_its_end(environment(settings))
    assert (code, len(lines)) == (ExitCode.WRONG_USE, 1), lines
    assert lines[0].startswith("palier: broker 1: transaction.max.timeout.ms is 20000, needed at least 30000: ")


async def _create_carelessly(settings: Settings, topic: str) -> None:
    """A topic with the brokers' defaults."""
    async with connect(settings) as cluster:
        await cluster.create(topic, settings.partitions, 1, {"cleanup.policy": "compact"})
