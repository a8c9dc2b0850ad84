"""Records that must be refused: how each comes, and why it is refused."""

from __future__ import annotations

import base64
import json
import random
import time
from datetime import UTC, datetime
from typing import NamedTuple

MIB = 1 << 20
NESTED = 100_000
NOISE = base64.b64encode(random.Random(1).randbytes(3 * MIB // 2)).decode()


class Poison(NamedTuple):
    """A record that must be refused with `reason`."""

    reason: str
    value: bytes | None
    key: bytes | None
    headers: tuple = ()


def touchpoint(contact_id, day=2, **members):
    """A lawful touchpoint on a day of January 2025."""
    return {
        "id": f"{contact_id} {day}",
        "source": "shop",
        "type": "article.read",
        "channel": "email",
        "contact_id": contact_id,
        "occurred_at": f"2025-01-{day:02}T12:00:00Z",
    } | members


def lawful(contact_id):
    """Two touchpoints that only together make the contact engaged."""
    return [touchpoint(contact_id, 1, type="newsletter.subscribed"), touchpoint(contact_id, 3, type="webinar.attended")]


def poisons(contact_id):
    """Every kind of bad input by name, as if it came from this contact."""
    good, key = touchpoint(contact_id), contact_id.encode()
    text = json.dumps(good).encode()
    envelope = {"specversion": "1.0", "id": good["id"], "source": "shop", "type": "article.read", "data": good}
    soon = datetime.fromtimestamp(time.time() + 600, UTC).isoformat()

    def changed(**members):
        return json.dumps(good | members).encode()

    def spliced(member):
        return text[:-1] + b"," + member + b"}"

    values = {
        "not JSON": ("not-json", b"contact;article.read;2025-01-02"),
        "half of it": ("not-json", text[:-20]),
        "invalid UTF-8": ("not-json", spliced(b'"object_id":"caf\xe9"')),
        "NaN": ("not-json", spliced(b'"rating":NaN')),
        "no value": ("empty", None),
        "an empty value": ("empty", b""),
        "wrong types": ("invalid", changed(id=17, bot="true", rating="80")),
        "a list": ("invalid", b"[" + text + b"]"),
        "no contact": ("invalid", json.dumps({name: good[name] for name in good if name != "contact_id"}).encode()),
        "1e400": ("invalid", spliced(b'"rating":1e400')),
        "a huge integer": ("invalid", spliced(b'"rating":' + b"9" * 10_000)),
        "no offset": ("no-offset", changed(occurred_at="2025-01-02T12:00:00")),
        "from the future": ("future", changed(occurred_at=soon)),
        "nested lists": ("too-deep", spliced(b'"properties":' + b"[" * NESTED + b"]" * NESTED)),
        "nested objects": ("too-deep", b'{"a":' * NESTED + b"1" + b"}" * NESTED),
        "2 MB": ("too-large", changed(properties={"noise": NOISE})),
        "7 MB of one letter": ("too-large", b"a" * 7_000_000),
        "one byte too many": ("too-large", text.ljust(MIB + 1)),
        "the most that is kept": ("not-json", text[:-1].ljust(MIB)),
    }
    return {name: Poison(reason, value, key) for name, (reason, value) in values.items()} | {
        "another contact's key": Poison("key-mismatch", text, b"somebody else"),
        "no key": Poison("key-mismatch", text, None),
        "an empty key": Poison("key-mismatch", text, b""),
        "a key of 100 KB": Poison("key-mismatch", text, b"k" * 100_000),
        "an event against its data": Poison("conflict", text, key, (("ce_specversion", b"1.0"), ("ce_id", b"1"))),
        "an envelope against its data": Poison("conflict", json.dumps(envelope | {"id": "1"}).encode(), key),
        "an envelope against a header": Poison("conflict", json.dumps(envelope).encode(), key, (("ce_type", b"x"),)),
        "300 KB of headers": Poison("empty", b"", key, tuple((f"h{number}", b"v" * 30_000) for number in range(10))),
        "the most of everything": Poison("not-json", NOISE[:MIB].encode(), b"k" * 2**16, (("h", b"v" * 250_000),)),
        "headers without value": Poison("empty", b"", key, (("trace", None), ("trace", b""))),
    }
