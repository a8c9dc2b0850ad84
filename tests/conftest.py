"""Fixtures of all tests. A test that asks for `kafka`, directly or not, gets a real broker; unit tests never may.

Kafka's clients are imported where they are needed: the quick tests do without.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import pytest
from hypothesis import settings as hypothesis_settings

from palier.errors import ConfigurationError
from palier.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from palier.kafka.local import FoundKafka, LocalKafka

NEEDS_KAFKA = {"kafka", "make_kafka"}
WITHOUT_KAFKA = {"unit", "property", "contracts", "architecture"}

Result = TypeVar("Result")

# How long an example takes says more about the machine than about us.
hypothesis_settings.register_profile("palier", deadline=None)
hypothesis_settings.load_profile("palier")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a broker, so that `-m "not kafka"` is the quick run; refuse it where it has no place."""
    tests = Path(__file__).parent
    for item in items:
        if NEEDS_KAFKA.isdisjoint(getattr(item, "fixturenames", ())):
            continue
        item.add_marker(pytest.mark.kafka)
        if item.path.relative_to(tests).parts[0] in WITHOUT_KAFKA:
            raise pytest.UsageError(f"{item.nodeid} asks for a broker: it belongs to tests/integration")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own PALIER_ variables change no test."""
    for name in [name for name in os.environ if name.startswith("PALIER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FoundKafka]:
    """One broker for the whole run: PALIER_BROKERS if set, else one in a container, else a local one."""
    from palier.kafka.local import find_kafka

    finding = find_kafka(None, tmp_path_factory.mktemp("kafka"))
    with _nothing_missing():
        found = finding.__enter__()
    try:
        yield found
    finally:
        finding.__exit__(None, None, None)


class MakeKafka(Protocol):
    """Starts a broker of a test's own, with settings of the broker on top of ours."""

    def __call__(self, properties: dict[str, str] | None = None) -> LocalKafka: ...


@pytest.fixture
def make_kafka(tmp_path: Path) -> Iterator[MakeKafka]:
    """Starts local brokers that a test may stop, kill or set up as it likes; ends them after the test."""
    from palier.kafka.local import LocalKafka

    made: list[LocalKafka] = []

    def make(properties: dict[str, str] | None = None) -> LocalKafka:
        broker = LocalKafka(tmp_path / f"kafka-{len(made)}", properties=properties)
        with _nothing_missing():
            broker.start()
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.kill()


class MakeSettings(Protocol):
    """Makes settings whose topics are there, with a prefix nobody else uses."""

    def __call__(self, **overrides: Any) -> Settings: ...


@pytest.fixture
def make_settings(kafka: FoundKafka, tmp_path: Path) -> Iterator[MakeSettings]:
    """Makes settings for the session's broker, each with topics of its own, deleted after the test.

    Four partitions, a free port for metrics, and the shortest session the broker allows, unless overridden.
    """
    made: list[Settings] = []

    def make(**overrides: Any) -> Settings:
        ours = {
            "brokers": kafka.brokers,
            "topic_prefix": f"t{uuid.uuid4().hex[:10]}-",
            "partitions": 4,
            "data_dir": tmp_path / "palier",
            "metrics_port": 0,
            "timer_grace": 1e10,  # no timers unless a test wants them: then a log gives what replay without --until gives
            "session_timeout": 6 if kafka.kind == "given" else 2,  # Kafka's own lower limit is 6 s
        }
        settings = Settings(**(ours | overrides))
        made.append(settings)
        _run_apart(_apply_topics(settings))
        return settings

    yield make
    for settings in made:
        _run_apart(_delete_topics(settings))


@pytest.fixture
def topic_settings(make_settings: MakeSettings) -> Settings:
    """Settings with fresh topics of four partitions, for a test that needs one set."""
    return make_settings()


@pytest.fixture
def prefix(topic_settings: Settings) -> str:
    """The prefix of this test's topics, groups and transactional ids."""
    return topic_settings.topic_prefix


def missing(reason: str) -> NoReturn:
    """A tool that a test needs is not there: skip, except in CI, where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def _nothing_missing() -> Iterator[None]:
    """A Kafka that cannot be had is a missing tool; one that does not start is a failure."""
    from palier.kafka.jars import KafkaNotFetchedError

    try:
        yield
    except (ConfigurationError, KafkaNotFetchedError) as error:
        missing(f"no Kafka: {error}")


def _run_apart(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in a thread of its own: works in fixtures of tests with and without a loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def _apply_topics(settings: Settings) -> None:
    from palier.kafka.topics import apply_topics

    await apply_topics(settings, lambda _line: None)


async def _delete_topics(settings: Settings) -> None:
    from palier.contracts.topics import topic_contracts
    from palier.kafka.cluster import connect

    async with connect(settings) as cluster:
        await cluster.delete([contract.name for contract in topic_contracts(settings)])
