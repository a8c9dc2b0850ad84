"""Refused lines, reported so that a person can read them and a program can find them: one JSON line each."""

from __future__ import annotations

import sys

import msgspec

from palier.contracts.limits import MAX_VALUE_BYTES
from palier.contracts.refusal import Refusal, RefusalReason


def report_refusal(number: int, refusal: Refusal) -> None:
    """Print {line, reason, message} on standard error."""
    message = refusal.message
    if refusal.reason is RefusalReason.TOO_LARGE:
        message = f"more than {MAX_VALUE_BYTES} bytes"  # of such a line only so much was kept
    report = {"line": number, "reason": refusal.reason.value, "message": message}
    print(msgspec.json.encode(report).decode(), file=sys.stderr)
