"""What fuzzing begins with: published examples, known traps, hand-made nasties, and what earlier runs have found."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from contracts import traps
from domain_kit import older_states
from fuzz import nasties
from fuzz.cases import Case
from palier.contracts.contact_state import encode_state
from palier.contracts.dead_letter import dead_letter_record
from palier.contracts.record_examples import KAFKA_TIMESTAMP_MS, refused_records, taken_records
from palier.contracts.refusal import Refusal, RefusalReason
from palier.engine.meta import Meta, encode_meta

CORPUS = Path(__file__).parent / "corpus"
FINDINGS = "findings"
EXAMPLES = Path(__file__).parents[2] / "shared" / "palier" / "contracts" / "generated" / "examples"
LONGEST_TO_MUTATE = 8_192


def values() -> list[Case]:
    """Values of records, bare and in envelopes."""
    tables = (traps.TAKEN, traps.NOT_JSON, traps.INVALID, traps.NO_OFFSET, traps.TOO_DEEP)
    known = [value for table in tables for value in table.values()]
    published = (EXAMPLES / "touchpoints.jsonl").read_bytes().splitlines()
    envelopes = [
        b'{"specversion":"1.0","id":"t-1","source":"web-tracker","type":"article.read","time":"2026-11-02T10:11:12.123Z",'
        b'"subject":"contact-4711","data":%s}' % data
        for data in (b'{"channel":"web"}', traps.bare(), b"null", b"[]", b'{"channel":"web","id":null,"rating":5}')
    ]
    return [
        Case(value) for value in (*known, *published, *envelopes, *nasties.WHOLE_VALUES, *map(_json, nasties.MOMENTS))
    ]


def records() -> list[Case]:
    """Records with key, timestamp and headers; the published examples first."""
    examples = [
        Case(example.value, example.key, KAFKA_TIMESTAMP_MS, tuple(example.headers))
        for example in (*taken_records(), *refused_records())
    ]
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"t-1"),
        ("ce_type", b"article.read"),
        ("ce_subject", b"contact-4711"),
    )
    return [
        *examples,
        Case(None),
        Case(traps.bare(), None),
        Case(traps.bare(), b""),
        Case(traps.bare(), b"\xff"),
        Case(traps.bare(), timestamp_ms=-1),
        Case(traps.bare(), timestamp_ms=2**63 - 1),
        Case(traps.bare(), headers=(("ce_id", b"\xff"),)),
        Case(traps.bare(), headers=(("ce_\ufffd", b"\xff"),)),
        Case(traps.bare(), headers=(("ce_id", None), ("content-type", None))),
        Case(traps.bare(), headers=(("Content-Type", b"Application/CloudEvents+JSON; charset=utf-8"),)),
        Case(
            traps.bare(), headers=(("palier_reason", b"no reason"), ("palier_offset", None), ("traceparent", b"\x00"))
        ),
        Case(b'{"source":"web-tracker","channel":"web","occurred_at":"2026-11-02T10:11:12.123Z"}', headers=headers),
        Case(b"{", headers=headers),
        Case(b'{"\\ud800":1}', headers=headers),
    ]


def states() -> list[Case]:
    """Encoded states of contacts, of this version and the first, and what is none."""
    older = [data for version in older_states.VERSIONS for data in older_states.encoded(version).values()]
    real = [*map(encode_state, older_states.contacts().values()), *older]
    return [Case(data) for data in (*real, *nasties.PACKED)]


def metas() -> list[Case]:
    """Encoded METAs, and what is none."""
    real = (
        Meta(),
        Meta(1, 2**31, {"touchpoints": 2**40}, {"tier-changes": 3, "tier-current": 3}, {"contacts": {"engaged": 5}}, 7),
        Meta(summary={"newest_occurred_at": KAFKA_TIMESTAMP_MS, "pack": [1, "digest"], "state_version": 2}),
    )
    return [Case(data) for data in (*map(encode_meta, real), *nasties.PACKED)]


def dead_letters() -> list[Case]:
    """Records of the dead-letter topic, and what is none."""
    letters = [
        dead_letter_record(
            Refusal(reason, "rating: should be an integer, got a string"),
            topic="touchpoints",
            partition=3,
            offset=2**40,
            timestamp_ms=KAFKA_TIMESTAMP_MS,
            key=key,
            value=value,
            headers=(("traceparent", b"\xff"), ("empty", None)),
        )
        for reason, key, value in (
            (RefusalReason.INVALID, b"contact-4711", b"{}"),
            (RefusalReason.EMPTY, None, None),
            (RefusalReason.TOO_LARGE, b"k" * 70_000, b"v" * (2**20 + 1)),
        )
    ]
    cases = [Case(letter.value, letter.key, headers=tuple(letter.headers)) for letter in letters]
    whole = cases[0].headers
    spoiled = [(*whole[:place], (whole[place][0], b"\xff"), *whole[place + 1 :]) for place in range(len(whole))]
    return [*cases, Case(b"{}"), *(Case(b"{}", headers=headers) for headers in (*spoiled, whole[:-2], whole * 2))]


def moments() -> list[Case]:
    """Texts that are moments, and nearly."""
    return [Case(text.encode()) for text in nasties.MOMENTS]


@cache
def corpus(target: str) -> tuple[Case, ...]:
    """What earlier runs kept of a target: cases that reached new code, and every finding."""
    grown = CORPUS / f"{target}.jsonl"
    lines = grown.read_text().splitlines() if grown.exists() else []
    return tuple(map(Case.from_json, [*lines, *(path.read_text() for path in findings(target))]))


def findings(target: str, folder: Path = CORPUS) -> list[Path]:
    """The files of the findings of one target."""
    return sorted((folder / FINDINGS).glob(f"{target}-*.json"))


def mutable(cases: list[Case]) -> list[Case]:
    """Those short enough to be changed a thousand times a second."""
    return [case for case in cases if len(case.value or b"") <= LONGEST_TO_MUTATE]


def _json(text: str) -> bytes:
    return json.dumps(text).encode()
