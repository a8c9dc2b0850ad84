"""The contracts as files for everybody who does not read Python: JSON Schema, AsyncAPI and examples.

`palier contracts` writes them; the ones for the default settings are kept in `generated/`, and a test fails when they
are stale.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

from palier.contracts.asyncapi import asyncapi_document
from palier.contracts.examples import dead_letters, story, tier_changes, tier_currents
from palier.contracts.json_schemas import MODELS, json_schema
from palier.contracts.record_examples import KAFKA_TIMESTAMP_MS, RecordExample, refused_records, taken_records
from palier.settings import Settings

GENERATED: Final = Path(__file__).parent / "generated"
"""Where the committed files are."""


def write_contracts(folder: Path) -> list[Path]:
    """Write every file under `folder`, made if missing, and return their paths in order."""
    written = []
    for name, content in contract_files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(path)
    return written


def contract_files() -> dict[str, bytes]:
    """Path below the folder -> content; the same on every machine, whatever the environment."""
    default_settings = Settings.model_construct()  # without reading the environment
    files = {f"schemas/{name}.schema.json": _document(json_schema(name)) for name in MODELS}
    files["asyncapi.json"] = _document(asyncapi_document(default_settings))
    files["examples/touchpoints.jsonl"] = _lines([_line(touchpoint) for touchpoint in story()])
    files["examples/tier-changes.jsonl"] = _lines(tier_changes())
    files["examples/tier-current.jsonl"] = _lines(tier_currents())
    files["examples/records-taken.json"] = _document([_record(example) for example in taken_records()])
    files["examples/records-refused.json"] = _document([_record(example) for example in refused_records()])
    files["examples/dead-letters.jsonl"] = _lines([letter.model_dump_json().encode() for letter in dead_letters()])
    return dict(sorted(files.items()))


def _record(example: RecordExample) -> dict[str, Any]:
    """A record in JSON; bytes that are not UTF-8 in base64."""
    members: dict[str, Any] = {"name": example.name}
    if example.reason is not None:
        members["reason"] = example.reason.value
    members["key"] = None if example.key is None else example.key.decode()
    members["timestamp"] = KAFKA_TIMESTAMP_MS
    members["headers"] = {name: (content or b"").decode() for name, content in example.headers}
    try:
        members["value"] = example.value.decode()
    except UnicodeDecodeError:
        members["value_base64"] = base64.b64encode(example.value).decode()
    return members


def _document(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _line(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _lines(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
