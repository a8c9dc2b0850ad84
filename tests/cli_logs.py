"""Small logs for the tests of the command line, and the command itself in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 86_400_000
START_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1_000)

PURCHASE = (
    # day, type, channel, contact: opts in, comes back, is about to buy, buys.
    (0.0, "newsletter.subscribed", "email", "ada"),
    (0.1, "article.read", "web", "ada"),
    (1.0, "article.read", "web", "ada"),
    (1.5, "page.viewed", "web", "bob"),
    (2.0, "webinar.attended", "web", "ada"),
    (3.0, "cart.added", "web", "ada"),
    (3.1, "checkout.started", "web", "ada"),
    (3.2, "order.completed", "web", "ada"),
)


def moment(day: float) -> str:
    """RFC 3339 of so many days after the start of every log here."""
    at = datetime.fromtimestamp((START_MS + day * DAY_MS) / 1_000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def touchpoint(
    number: int, day: float, type_: str, channel: str = "web", contact: str = "ada", **members: Any
) -> bytes:
    """One line of a log."""
    return json.dumps(
        {
            "id": f"t{number}",
            "source": "test",
            "type": type_,
            "channel": channel,
            "contact_id": contact,
            "occurred_at": moment(day),
            "object_id": f"object-{number}",
            **members,
        }
    ).encode()


def purchase() -> list[bytes]:
    """Ada becomes engaged, engaged to buy, and converts; Bob looks around once."""
    return [touchpoint(number, *row) for number, row in enumerate(PURCHASE)]


def write_log(path: Path, lines: list[bytes]) -> Path:
    """Lines as a file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def palier(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`palier` with these arguments, as a shell would run it."""
    return subprocess.run(
        [sys.executable, "-m", "palier_cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def one_line(text: str) -> str:
    """The only line of some output; fails if there are more, or none."""
    (line,) = text.splitlines()
    return line
