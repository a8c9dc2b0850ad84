"""/metrics, /livez and /readyz, served from a thread of their own, so that a stuck event loop can still be seen."""

from __future__ import annotations

import errno
import json
import logging
import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from palier.errors import ConfigurationError

if TYPE_CHECKING:
    from palier.health import Health
    from palier.metrics import Metrics

logger = logging.getLogger(__name__)


class HealthServer:
    """The worker's endpoint for Prometheus and for probes. It carries no personal data and listens where it is told."""

    def __init__(self, host: str, port: int, metrics: Metrics, health: Health) -> None:
        self._host = host
        self._port = port
        self._metrics = metrics
        self._health = health
        self._server: _Server | None = None
        self._thread: Thread | None = None

    def start(self) -> int:
        """Begin to answer and return the port, which is a free one if 0 was asked for.

        Raises:
            ConfigurationError: the address cannot be listened on; names the variable to change.
        """
        try:
            self._server = _Server(self._host, self._port, self._metrics, self._health)
        except OSError as error:
            raise ConfigurationError(_why_not(self._host, self._port, error)) from None
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True
        )
        self._thread.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop answering and give the port back. Does nothing when not started."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken: set PALIER_METRICS_PORT to another port, or to 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} needs privileges: set PALIER_METRICS_PORT to one above 1023"
    return f"cannot listen on {host}: set PALIER_HTTP_HOST to an address of this machine ({error.strerror})"


class _Answer(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes


def _json(status: HTTPStatus, value: object) -> _Answer:
    return _Answer(status, "application/json", json.dumps(value).encode() + b"\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, host: str, port: int, metrics: Metrics, health: Health) -> None:
        self.metrics = metrics
        self.health = health
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without the base class's reverse look-up of the host's name, which can hang for seconds."""
        TCPServer.server_bind(self)

    def answer(self, path: str, accept: str) -> _Answer:
        """What a path has to say; `accept` chooses the format of the metrics."""
        match path:
            case "/metrics":
                body, content_type = self.metrics.render(accept)
                return _Answer(HTTPStatus.OK, content_type, body)
            case "/livez":
                return self._live()
            case "/readyz":
                return self._ready()
            case _:
                return _json(HTTPStatus.NOT_FOUND, {"error": "not found", "paths": ["/metrics", "/livez", "/readyz"]})

    def _live(self) -> _Answer:
        heartbeat = self.health.heartbeat
        status = HTTPStatus.OK if heartbeat.is_alive else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(status, {"heartbeat_age_s": round(heartbeat.age_s, 3), "limit_s": heartbeat.limit_s})

    def _ready(self) -> _Answer:
        readiness = self.health.readiness()
        status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
        partitions = {str(partition): {"remaining": records} for partition, records in readiness.remaining.items()}
        return _json(status, {"state": readiness.state, "partitions": partitions})


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "palier"
    sys_version = ""
    timeout = 10  # seconds; a client that connects and says nothing does not keep a thread

    def do_GET(self) -> None:
        """Answer with headers and body."""
        self._reply(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with headers alone."""
        self._reply(with_body=False)

    def _reply(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        answer = self.server.answer(path, self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Probes and scrapes come every few seconds: nobody wants them in the log."""
        logger.debug(format, *args)
