"""The limits of what Palier accepts, once: pydantic, the fast decoder and the JSON Schemas are made from them."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
DAY_MS: Final = 86_400_000

MAX_VALUE_BYTES: Final = MIB
"""Longest value accepted, in bytes after decompression."""

MAX_DEPTH: Final = 64
"""Most objects and lists nested in one another, the record itself included."""

MAX_INTEGER_CHARACTERS: Final = 4300
"""Longest integer read, sign included: beyond it Python refuses to turn text into a number."""

FUTURE_TOLERANCE_MS: Final = 5 * 60_000
"""How far occurred_at may lie after the record's Kafka timestamp, in milliseconds: clocks differ."""

SHORT_NAME_LENGTH: Final = 100
"""Most characters (code points) of id, source, type and channel."""

LONG_NAME_LENGTH: Final = 200
"""Most characters (code points) of contact_id, object_id and campaign_id."""

CONTROL_CHARACTERS: Final = r"\u0000-\u001f\u007f-\u009f"
"""Unicode's category Cc as the inside of a character class, for Python, Rust and ECMAScript alike."""

AMOUNT: Final = r"-?[0-9]{1,18}(\.[0-9]{1,9})?"
"""A finite decimal as text: no exponent, no plus sign, up to 18 digits before and 9 after the point."""

CURRENCY: Final = r"[A-Z]{3}"
"""The shape of an ISO 4217 code; not its list, which changes."""

TIMEZONE: Final = r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,2}"
"""The shape of an IANA zone; not its list, which differs between machines and would make replays differ too."""
