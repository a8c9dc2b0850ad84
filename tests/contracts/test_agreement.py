"""The fast decoder and pydantic accept and refuse the same bytes, and read the same touchpoint from them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import traps
from fuzz.reference import as_domain
from palier.contracts.decoding import decode_line
from palier.contracts.refusal import Refusal, RefusalReason
from palier.contracts.touchpoint import Touchpoint
from palier.contracts.validation import validate_touchpoint
from palier.domain import touchpoint as domain

END_OF_TIME_MS = 2**43

REFUSED = {
    RefusalReason.NOT_JSON: traps.NOT_JSON,
    RefusalReason.INVALID: traps.INVALID,
    RefusalReason.NO_OFFSET: traps.NO_OFFSET,
    RefusalReason.TOO_DEEP: traps.TOO_DEEP,
}


def fast(value: bytes) -> domain.Touchpoint | Refusal:
    return decode_line(value, END_OF_TIME_MS)


def assert_agreement(value: bytes) -> None:
    quick, slow = fast(value), validate_touchpoint(value)
    if isinstance(slow, Refusal):
        assert quick == slow
    else:
        assert quick == as_domain(slow)


@pytest.mark.parametrize("name", traps.TAKEN)
def test_both_take(name: str) -> None:
    """What the contract allows passes both, with the same members."""
    value = traps.TAKEN[name]
    assert isinstance(validate_touchpoint(value), Touchpoint)
    assert isinstance(fast(value), domain.Touchpoint)
    assert_agreement(value)


@pytest.mark.parametrize(("reason", "name"), [(reason, name) for reason, table in REFUSED.items() for name in table])
def test_both_refuse(reason: RefusalReason, name: str) -> None:
    """What the contract forbids is refused by both, for the same reason."""
    value = REFUSED[reason][name]
    for verdict in (fast(value), validate_touchpoint(value)):
        assert isinstance(verdict, Refusal)
        assert verdict.reason is reason


# Pieces of JSON, odd ones among them, to put where a member's value goes.
FRAGMENTS = st.one_of(
    st.sampled_from(
        [
            "null", "true", "false", "0", "-0", "1", "100", "101", "-1", "1.0", "1e2", "1e400", "-1e400", "NaN", "Infinity",
            "01", '""', '"a"', '"yes"', '"EUR"', '"1.50"', '"Europe/Vienna"', "[]", "{}", "[1,{}]", '{"a":1e400}',
            '{"amount":"1","currency":"EUR"}', '{"amount":"1","amount":2,"currency":"EUR"}', '{"amount":1}', "7" * 4301,
            r'"\u0000"', r'"\ud800"', r'"\ud83d\ude00"', r'"\u0061"', '"\x7f"', '"\x85"', '"\n"', '"ß"', '"\ufeff"', "",
            '"2026-11-02T10:11:12Z"', '"2026-11-02T10:11:12"', '"2026-W45-1T10:11:12Z"', '"1969-12-31T23:59:59Z"',
            "[" * 62 + "]" * 62, "[" * 63 + "]" * 63, "[" * 64 + "]" * 64,
        ]
    ),
    st.text(max_size=5).map(json.dumps),
    st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers().map(str),
    st.floats().map(json.dumps),
    st.text("0123456789-+.:TtZz ", max_size=30).map(json.dumps),
    st.datetimes().map(lambda moment: json.dumps(f"{moment.isoformat()}Z")),
    st.text('x"\\{}[]:,', max_size=8),
)  # fmt: skip
MEMBER_NAMES = [*Touchpoint.model_fields, "specversion", "other", r"\u0069d", "", r"\ud800"]
ODD_MEMBERS = st.lists(st.tuples(st.sampled_from(MEMBER_NAMES), FRAGMENTS), max_size=4)


@given(odd=ODD_MEMBERS, order=st.randoms(use_true_random=False), cut=st.none() | st.integers(0, 300))
@settings(max_examples=500, deadline=None)
def test_agreement_on_odd_members(odd, order, cut) -> None:
    """Whatever stands in a member's place, in whatever order and number, both give the same verdict."""
    members = [(name, json.dumps(value)) for name, value in traps.BARE.items()] + odd
    order.shuffle(members)
    text = "{" + ",".join(f'"{name}":{value}' for name, value in members) + "}"
    assert_agreement(text.encode("utf-8", errors="surrogatepass")[:cut])


@given(place=st.integers(0, 400), byte=st.integers(0, 255), name=st.sampled_from(sorted(traps.TAKEN)))
@settings(max_examples=500, deadline=None)
def test_agreement_on_one_wrong_byte(place, byte, name) -> None:
    """A byte changed anywhere in a good record: both give the same verdict."""
    value = bytearray(traps.TAKEN[name])
    value[place % len(value)] = byte
    assert_agreement(bytes(value))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise(value) -> None:
    """Any bytes at all get a verdict, never an exception."""
    assert isinstance(fast(value), Refusal)
