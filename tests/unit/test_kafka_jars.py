"""Fetching Kafka's jars: once, checked, and never half. A Maven repository on this machine stands in for the real one."""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from palier.errors import ConfigurationError
from palier.kafka import jars
from palier.kafka.jars import Jar, KafkaNotFetchedError, jar_folder, kafka_class_path, pinned_jars

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENTS = {"alpha": b"first jar", "beta": b"second jar"}
PINS = tuple(Jar(hashlib.sha256(data).hexdigest(), "org.example", name, "1.0") for name, data in CONTENTS.items())


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """A test's output is no place for requests."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with two jars, known to jgo as the only one; the cache is empty. Yields the repository's folder."""
    folder = tmp_path / "repository"
    for jar in PINS:
        path = folder / "org" / "example" / jar.artifact / jar.version / jar.file_name
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENTS[jar.artifact])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        config = tmp_path / "jgo.conf"
        config.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(jars, "pinned_jars", lambda: PINS)
        yield folder
        server.shutdown()
        thread.join()


def test_jars_are_fetched_once_and_then_the_network_is_not_asked(repository: Path):
    """The first call fetches and says so in one line; the next finds everything, without a word and without network."""
    said: list[str] = []
    paths = kafka_class_path(said.append)
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    assert len(said) == 1
    assert "2 jars" in said[0]
    for jar in repository.rglob("*.jar"):
        jar.unlink()
    assert kafka_class_path(said.append) == paths
    assert len(said) == 1


def test_a_damaged_jar_is_fetched_again_and_only_that(repository: Path):
    """What is not the pinned jar byte for byte is not put on the class path."""
    first, second = kafka_class_path(lambda _line: None)
    first.write_bytes(b"first")
    (repository / "org/example/beta/1.0/beta-1.0.jar").unlink()
    said: list[str] = []
    assert kafka_class_path(said.append) == [first, second]
    assert first.read_bytes() == CONTENTS["alpha"]
    assert "1 jars" in said[0]


def test_a_jar_that_is_not_the_pinned_one_is_refused(repository: Path):
    """Another file under the same name is an error that names it, and does not reach the cache."""
    (repository / "org/example/beta/1.0/beta-1.0.jar").write_bytes(b"something else")
    with pytest.raises(ConfigurationError, match=r"beta-1\.0\.jar"):
        kafka_class_path(lambda _line: None)
    assert [path.name for path in jar_folder().iterdir()] == ["alpha-1.0.jar"]


def test_an_unreachable_repository_is_an_error_with_a_way_out(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Offline with an empty cache: which jar, and what to do instead; nothing half is left behind."""
    config = tmp_path / "offline.conf"
    config.write_text("[repositories]\ncentral = http://127.0.0.1:9\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    with pytest.raises(KafkaNotFetchedError, match=r"alpha-1\.0\.jar.*PALIER_BROKERS"):
        kafka_class_path(lambda _line: None)
    assert list(jar_folder().iterdir()) == []


def test_without_jgo_the_remedy_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch):
    """A plain installation says which extra to install."""
    monkeypatch.setitem(sys.modules, "jgo.config", None)
    with pytest.raises(ConfigurationError, match=r"jgo: pip install 'palier\[local\]'"):
        kafka_class_path(lambda _line: None)


def test_the_pins_are_complete_and_well_formed():
    """Each pin has a full SHA-256 and a version; the broker, its clients and its log are among them."""
    pins = pinned_jars()
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in pins)
    assert len({jar.file_name for jar in pins}) == len(pins)
    assert {"kafka_2.13", "kafka-clients", "kafka-server", "log4j-slf4j-impl"} <= {jar.artifact for jar in pins}
    assert {jar.version for jar in pins if jar.group == "org.apache.kafka"} == {jars.KAFKA_VERSION}
