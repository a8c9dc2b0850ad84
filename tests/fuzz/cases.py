"""What is given to a decoder once: the bytes, and what stands around them in a record. Kept as JSON that people can read."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Any

KEY = b"contact-4711"
TIMESTAMP_MS = 1_793_614_272_123
"""Key and Kafka timestamp that fit most seeds."""

LONGEST_IN_THE_OPEN = 4_096


@dataclass(frozen=True)
class Case:
    """One input. Targets that read bytes alone look at `value` only.

    Attributes:
        value: a record's value, or the bytes to be read.
        key: the record's key.
        timestamp_ms: its Kafka timestamp, milliseconds since the epoch.
        headers: its headers, in order.
    """

    value: bytes | None
    key: bytes | None = KEY
    timestamp_ms: int = TIMESTAMP_MS
    headers: tuple[tuple[str, bytes | None], ...] = ()

    def to_json(self) -> str:
        """One line. Bytes are text by Latin-1, long ones compressed; what is as usual is left out."""
        members: dict[str, Any] = {"value": _to_text(self.value)}
        if self.key != KEY:
            members["key"] = _to_text(self.key)
        if self.timestamp_ms != TIMESTAMP_MS:
            members["timestamp_ms"] = self.timestamp_ms
        if self.headers:
            members["headers"] = [[name, _to_text(content)] for name, content in self.headers]
        return json.dumps(members)

    @classmethod
    def from_json(cls, line: str) -> Case:
        """The case that `to_json` wrote."""
        members = json.loads(line)
        return cls(
            _to_bytes(members["value"]),
            _to_bytes(members["key"]) if "key" in members else KEY,
            members.get("timestamp_ms", TIMESTAMP_MS),
            tuple((name, _to_bytes(content)) for name, content in members.get("headers", ())),
        )

    @property
    def digest(self) -> str:
        """Names the case in a file's name."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        headers = sum(len(name) + len(content or b"") for name, content in self.headers)
        return len(self.value or b"") + len(self.key or b"") + headers


def _to_text(content: bytes | None) -> str | dict[str, str] | None:
    if content is None or len(content) <= LONGEST_IN_THE_OPEN:
        return None if content is None else content.decode("latin-1")
    return {"zlib": base64.b64encode(zlib.compress(content, 9)).decode()}


def _to_bytes(text: str | dict[str, str] | None) -> bytes | None:
    if isinstance(text, dict):
        return zlib.decompress(base64.b64decode(text["zlib"]))
    return None if text is None else text.encode("latin-1")
