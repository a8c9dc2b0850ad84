"""What must hold of every input, one function per target. Each raises at the first rule broken."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from fuzz.reference import as_domain, reference_moment, reference_verdict
from palier.contracts.contact_state import (
    STATE_VERSION,
    UnknownStateVersionError,
    decode_head,
    decode_state,
    encode_state,
)
from palier.contracts.dead_letter import (
    CUT_VALUE_BYTES,
    HEADER_MEANINGS,
    MAX_KEY_BYTES,
    DeadLetter,
    dead_letter_record,
)
from palier.contracts.decoding import decode_line, decode_touchpoint
from palier.contracts.limits import DAY_MS, MAX_VALUE_BYTES
from palier.contracts.moments import MomentTrouble, format_moment, moment_trouble, parse_moment
from palier.contracts.refusal import Refusal, RefusalReason
from palier.contracts.validation import validate_touchpoint
from palier.domain.touchpoint import Touchpoint
from palier.engine.meta import decode_meta, encode_meta
from palier.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.cases import Case

Result = TypeVar("Result")

HANG_S = 0.1
HANG_BYTES = 64 << 10
"""No input may take 100 ms of the processor; a longer one this much for each 64 KiB begun, so that time grows with size and
no faster. A quarter of it is what the slowest inputs take on a quiet machine, in Python that is not instrumented."""

TRIES = 4
A_CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
AGREE = "both decoders agree"
LONGEST_MESSAGE = 500
END_OF_TIME_MS = 2**43
SHORTEST_TELLING = 8
_TEXTS = re.compile(rb'"([^"\\]{8,})"')
DECODER_REASONS = frozenset(RefusalReason) - {RefusalReason.WRONG_PARTITION, RefusalReason.INTERNAL}
"""Reasons the decoder itself may give."""

WORDING = (
    "a string an integer a decimal a boolean an object a list null a number out of range missing specversion data_base64 "
    "has no offset from UTC, such as Z or +01:00 is a leap second, which cannot be placed lies outside the years 1970 to "
    "2100 is not a date and time of RFC 3339, such as 2026-11-02T10:11:12.123Z a string with a date and time of RFC 3339 "
    "properties user_agent occurred_at campaign_id object_id contact_id timezone currency amount application/cloudevents+json "
    "content-type CloudEvent CloudEvents touchpoint"
)
"""Words of refusals that a payload may hold by chance."""


class BrokenRuleError(AssertionError):
    """An input of which a rule does not hold."""

    def __init__(self, rule: str, detail: object) -> None:
        super().__init__(f"{rule}: {detail}"[:2_000])
        self.rule = rule


def expect(holds: object, rule: str, detail: object = "") -> None:
    """The one assertion of all targets, so that a finding is named by its rule."""
    if not holds:
        raise BrokenRuleError(rule, detail)


def check_value(case: Case) -> None:
    """A value alone, as replay and publish read lines: the fast decoder says what pydantic says, in the same words."""
    value = case.value or b""
    fast = _in_time(lambda: decode_line(value, END_OF_TIME_MS), len(value))
    expect(isinstance(fast, Touchpoint | Refusal), "a verdict is a touchpoint or a refusal", type(fast))
    if isinstance(fast, Touchpoint):
        _check_reencoded(fast)
    else:
        _check_refusal(fast, case)
    if b"specversion" in value or b"\\u" in value:  # perhaps an envelope: pydantic's model is of what lies inside
        _check_agreement(fast, reference_verdict(replace(case, timestamp_ms=END_OF_TIME_MS), as_line=True))
        return
    model = _in_time(lambda: validate_touchpoint(value), len(value))
    _check_agreement(fast, model.reason if isinstance(model, Refusal) else as_domain(model))
    expect(
        fast == model or isinstance(fast, Touchpoint), "a refusal of a bare value is in pydantic's words", (fast, model)
    )
    if not isinstance(model, Refusal):
        again = decode_line(model.model_dump_json().encode(), END_OF_TIME_MS)
        expect(again == fast, "the model's own JSON decodes to the same", (fast, again))


def check_record(case: Case) -> None:
    """A record as a worker reads it: both decoders agree, and what is refused rests whole in the dead letter."""
    fast = _in_time(lambda: decode_touchpoint(case.value, case.key, case.timestamp_ms, case.headers), case.size)
    _check_agreement(fast, reference_verdict(case))
    if not case.headers:
        _check_agreement(decode_line(case.value or b"", case.timestamp_ms), reference_verdict(case, as_line=True))
    if isinstance(fast, Refusal):
        _check_refusal(fast, case)
        _check_dead_letter(fast, case)
    else:
        _check_reencoded(fast)


def check_state(case: Case) -> None:
    """A contact's encoded state: a state that can be written and read again, or DataError; the head says the same."""
    data = case.value or b""
    state, trouble = _decoded(decode_state, data)
    head, _ = _decoded(decode_head, data)
    if state is None:
        newer = isinstance(trouble, UnknownStateVersionError)
        expect(newer == (_version_of(data) > STATE_VERSION), "a newer version alone is told as such", repr(trouble))
        return
    encoded = encode_state(state)
    expect(encode_state(decode_state(encoded)) == encoded, "a state is read back as it was", encoded)
    if head is not None:
        facts = (state.sequence, state.erased_at, state.is_erased)
        expect((head.sequence, head.erased_at, head.is_erased) == facts, "a head says what the state says", facts)
        placed = state.is_erased and isinstance(state.placement, int)
        expect(not placed or head.placement == state.placement, "a stub's head tells its place", state.placement)


def check_meta(case: Case) -> None:
    """META of a changelog: read back as it was, or DataError."""
    meta, _ = _decoded(decode_meta, case.value or b"")
    if meta is not None:
        encoded = encode_meta(meta)
        expect(encode_meta(decode_meta(encoded)) == encoded, "META is read back as it was", meta)


def check_dead_letter(case: Case) -> None:
    """A record of the dead-letter topic: a dead letter that JSON gives back, or ValueError."""
    try:
        letter = DeadLetter.from_record(case.key, case.value, case.headers)
    except ValueError:
        return
    expect((letter.key, letter.value) == (case.key, case.value), "a dead letter's key and value are as they came")
    expect(_through_json(letter) == letter, "a dead letter is read back from JSON", letter)


def check_moment(case: Case) -> None:
    """A text: the moment that the calendar gives, or none, and a trouble that can be named."""
    text = (case.value or b"").decode(errors="replace")
    moment = _in_time(lambda: parse_moment(text), len(text))
    expect(moment == reference_moment(text), "moments are those of the calendar", (text, moment))
    if moment is None:
        expect(isinstance(moment_trouble(text), MomentTrouble), "what is no moment has a trouble", text)
        return
    written = format_moment(moment)
    expect(parse_moment(written) == moment and 0 <= moment < 47_847 * DAY_MS, "a moment is read back", (text, written))


def _in_time(call: Callable[[], Result], size: int) -> Result:
    """What the call gives. The best of a few tries counts: the machine may be slow for other reasons."""
    limit_s = HANG_S * (1 + size // HANG_BYTES)
    spent = []
    for _ in range(TRIES):
        begun = time.thread_time()
        result = call()
        spent.append(time.thread_time() - begun)
        if spent[-1] <= limit_s:
            return result
    raise BrokenRuleError("no input holds the reader up", f"{size} bytes: {min(spent):.3f} s, at most {limit_s:.1f} s")


def _check_agreement(fast: Touchpoint | Refusal, slow: Touchpoint | RefusalReason) -> None:
    """The same touchpoint, or a refusal for the same reason."""
    verdict = fast.reason if isinstance(fast, Refusal) else fast
    expect(verdict == slow, f"{AGREE}, not {_named(verdict)} and {_named(slow)}", (fast, slow))


def _named(verdict: object) -> str:
    return verdict.value if isinstance(verdict, RefusalReason) else type(verdict).__name__


def _check_refusal(refusal: Refusal, case: Case) -> None:
    """Codes are the known ones; messages are short and hold no text of the payload, names of its headers apart."""
    expect(refusal.reason in DECODER_REASONS, "a refusal has a known reason", refusal)
    expect(0 < len(refusal.message) <= LONGEST_MESSAGE, "a refusal's message is a sentence", refusal)
    expect("please report" not in refusal.message, AGREE, refusal)
    names = " ".join(name for name, _ in case.headers)
    told = [text for text in _texts_of(case) if text in refusal.message and text not in WORDING and text not in names]
    expect(not told, "a message holds nothing of the payload", (told, refusal))


def _texts_of(case: Case) -> list[str]:
    """What is told apart from Palier's own words: texts of some length in the value, in headers, and the key."""
    contents = [content or b"" for name, content in case.headers if not name.startswith("palier_")]
    found = [match.decode(errors="replace") for match in _TEXTS.findall(case.value or b"")]
    found += [content.decode(errors="replace") for content in (*contents, case.key or b"")]
    return [text for text in found if len(text) >= SHORTEST_TELLING]


def _check_reencoded(touchpoint: Touchpoint) -> None:
    """A touchpoint written as a bare record is that touchpoint again, also with every character escaped."""
    record = asdict(touchpoint) | {"occurred_at": format_moment(touchpoint.occurred_at)}
    if record.pop("crawler"):
        record["user_agent"] = A_CRAWLER
    for ascii_only in (True, False):
        again = decode_line(json.dumps(record, ensure_ascii=ascii_only).encode(), END_OF_TIME_MS)
        expect(again == touchpoint, "a touchpoint written again is read as the same", (touchpoint, again))


def _check_dead_letter(refusal: Refusal, case: Case) -> None:
    """The dead letter of a refused record gives back what came, byte for byte; and so does the letter of a letter."""
    place = {"topic": "touchpoints", "partition": 3, "offset": 2**40, "timestamp_ms": case.timestamp_ms}
    record = dead_letter_record(refusal, key=case.key, value=case.value, headers=case.headers, **place)
    letter = DeadLetter.from_record(*record)
    value, key = case.value, case.key
    if value is not None and len(value) > MAX_VALUE_BYTES:
        value = value[:CUT_VALUE_BYTES]
    expect(letter.value == value and letter.key == (key and key[:MAX_KEY_BYTES]), "a dead letter holds what came")
    originals = [header for header in case.headers if header[0] not in HEADER_MEANINGS]
    kept = [(header.name, header.value) for header in letter.headers]
    expect(kept == originals[: len(kept)], "a dead letter holds the headers that came", kept)
    expect(len(kept) + letter.headers_left_out == len(originals), "headers left out are counted", kept)
    expect((letter.reason, letter.message) == (refusal.reason, refusal.message), "a dead letter says why", letter)
    expect(_through_json(letter) == letter, "a dead letter is read back from JSON", letter)
    again = dead_letter_record(refusal, key=record.key, value=record.value, headers=record.headers, **place)
    is_cut = letter.sha256 or letter.key_length or letter.headers_left_out
    expect(is_cut or again == record, "a dead letter refused again is the same", again)


def _through_json(letter: DeadLetter) -> DeadLetter:
    return DeadLetter.model_validate_json(letter.model_dump_json())


def _decoded(decode: Callable[[bytes], Result], data: bytes) -> tuple[Result | None, DataError | None]:
    """What a decoder gives, and the one kind of error it may raise."""
    try:
        return _in_time(lambda: decode(data), len(data)), None
    except DataError as error:
        return None, error


def _version_of(data: bytes) -> int:
    """The integer a MessagePack list begins with; 0 of all else."""
    try:
        first = next(iter(msgspec.msgpack.decode(data)), 0)
    except (ValueError, TypeError, RecursionError):
        return 0
    return first if isinstance(first, int) else 0
