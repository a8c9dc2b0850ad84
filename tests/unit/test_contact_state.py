"""The encoded contact: versions, damage, size."""

from __future__ import annotations

from statistics import mean, median

import msgspec
import pytest

from domain_kit import older_states
from domain_kit.contact import DEFAULT, START, Contact, small_pack, snapshot
from domain_kit.crowd import busiest, typical
from palier.contracts.contact_state import (
    STATE_VERSION,
    StateHead,
    UnknownStateVersionError,
    decode_head,
    decode_state,
    encode_state,
)
from palier.domain.caps import ROW
from palier.domain.digests import SHORT
from palier.domain.fold import fold
from palier.domain.limits import DAY_MS, NEVER
from palier.domain.remembered import MARK, NO_MARK
from palier.domain.state import FIELDS, NO_PACK, ContactState
from palier.domain.touchpoint import Touchpoint
from palier.errors import DataError, ExitCode

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


def test_a_typical_contact_takes_a_kibibyte():
    """50 touchpoints over 90 days with UUIDs: in the mean and for most."""
    sizes = [len(encode_state(typical(seed))) for seed in range(60)]
    assert mean(sizes) <= 1024
    assert median(sizes) <= 1024


def test_the_busiest_contact_takes_six():
    """Every list at its limit."""
    assert max(len(encode_state(busiest(seed))) for seed in range(10)) <= 6144


def test_a_stub_takes_a_dozen_bytes():
    """Sequence and time of the erasure, nothing else."""
    ada = Contact(small_pack())
    ada.does("warm.12")
    ada.does("forget")
    assert unpack(encode_state(ada.state)) == [STATE_VERSION, 0, ada.state.erased_at]
    assert len(encode_state(ada.state)) == 12


@pytest.mark.parametrize("make", [ContactState.new, lambda: typical(1), lambda: busiest(1)])
def test_decoding_gives_the_state_that_was_encoded(make):
    """Field by field, and the same bytes again."""
    state = make()
    data = encode_state(state)
    again = decode_state(data)
    assert again.to_fields() == state.to_fields()
    assert encode_state(again) == data == snapshot(state)
    for name in FIELDS:
        assert getattr(again, name) == getattr(state, name), name


def test_a_decoded_state_is_its_own():
    """Changing it changes no other state decoded from the same bytes."""
    data = encode_state(typical(2))
    one, other = decode_state(data), decode_state(data)
    fold(one, Touchpoint("x", "shop", "cart.added", "web", "ada", START + 95 * DAY_MS), DEFAULT)
    assert encode_state(other) == data != encode_state(one)


KEPT = [(version, name) for version in older_states.VERSIONS for name in older_states.encoded(version)]
SINCE = ("marks", "entered", "messages", "zone", "hours", "reach", "value", "points", "badges", "objection", "profiled")


def counted(state) -> dict:
    """Objects by day and type under caps: what older versions knew of them too."""
    return {
        (day, type_): [rows[at : at + SHORT] for at in range(0, len(rows), ROW)]
        for day, of_day in state.caps.items()
        for type_, rows in of_day.items()
    }


@pytest.mark.parametrize(("version", "name"), KEPT)
def test_a_state_of_an_older_version_is_the_same_contact(version, name):
    """What Palier wrote then is read as the contact it was; what it did not note is not known."""
    data, today = older_states.encoded(version)[name], older_states.contacts()[name]
    state = decode_state(data)
    assert unpack(data)[0] == version
    for field in (*older_states.FIELDS[version], "placement"):
        if field not in ("caps", "pack_version"):
            assert getattr(state, field) == getattr(today, field), field
    assert counted(state) == counted(today)
    assert state.pack_version in ((NO_PACK,) if version == 1 else (NO_PACK, 1))
    head = decode_head(data)
    of_stubs = ("placement",) if head.is_erased else ()
    for field in ("sequence", "erased_at", "as_of", "ahead", "earned", "held", "is_erased", *of_stubs):
        assert getattr(head, field) == getattr(today, field), field


@pytest.mark.parametrize(("version", "name"), KEPT)
def test_what_an_older_version_did_not_note(version, name):
    """Which touchpoint it was is known of what may be a reason; when a tier was entered, and all later fields, are not."""
    state, today = decode_state(older_states.encoded(version)[name]), older_states.contacts()[name]
    for slot in range(len(state.codes)):
        mark = state.marks[MARK * slot : MARK * (slot + 1)]
        assert mark == (today.marks[MARK * slot : MARK * (slot + 1)] if slot in state.evidence else NO_MARK)
    for rows in (rows for of_day in state.caps.values() for rows in of_day.values()):
        assert {rows[at : at + MARK] for at in range(SHORT, len(rows), ROW)} == {NO_MARK}
    assert state.entered == [NEVER] * len(today.entered)
    fresh = ContactState.new()
    for field in SINCE[2:]:
        assert getattr(state, field) == getattr(fresh, field), field


@pytest.mark.parametrize("version", older_states.VERSIONS)
def test_an_older_version_covers_every_field(version):
    """Each is there with something in it, in one kept contact or another."""
    states = list(map(decode_state, older_states.encoded(version).values()))
    fresh = ContactState.new()
    for field in (*older_states.FIELDS[version], "placement"):
        assert any(getattr(state, field) != getattr(fresh, field) for state in states), field


@pytest.mark.parametrize(("version", "name"), [kept for kept in KEPT if "stub" not in kept[1]])
def test_a_state_of_an_older_version_is_written_as_the_version_of_today(version, name):
    """With her next touchpoint; and from then on as if she had been so always."""
    state, today = decode_state(older_states.encoded(version)[name]), older_states.contacts()[name]
    pack = DEFAULT if "typical" in name or "busiest" in name else small_pack()
    touchpoint = Touchpoint("x", "shop", "warm.8", "web", "ada", START + 95 * DAY_MS)
    assert fold(state, touchpoint, pack) == fold(today, touchpoint, pack)
    assert unpack(encode_state(state))[0] == STATE_VERSION
    assert encode_state(decode_state(encode_state(state))) == encode_state(state)
    for field in FIELDS:
        if field not in ("caps", *SINCE):
            assert getattr(state, field) == getattr(today, field), field
    assert state.pack_version == pack.version


def test_a_newer_version_is_refused():
    """Reading it would lose what it says; the way out is named."""
    newer = pack([STATE_VERSION + 1, "whatever", {"is": "new"}])
    with pytest.raises(
        UnknownStateVersionError, match=f"version {STATE_VERSION + 1}.*reads up to {STATE_VERSION}"
    ) as caught:
        decode_state(newer)
    assert caught.value.exit_code == ExitCode.DATA


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not a state",
        pack([]),
        pack({}),
        pack([STATE_VERSION]),
        pack([STATE_VERSION, 1]),
        pack([STATE_VERSION, *range(10)]),
        pack(["1", 0, -1]),
        pack([0, 0, -1]),
        pack([1, *range(10)]),
        pack([2, *range(27)]),
        pack([1, *typical(3).to_fields()]),
        pack([2, *typical(3).to_fields()]),
        encode_state(typical(3))[:-1],
        encode_state(typical(3)) + b"\x00",
    ],
)
def test_what_is_no_state_is_refused(data):
    """As data that need an operator, never as a crash or a half-read state."""
    with pytest.raises(DataError):
        decode_state(data)


@pytest.mark.parametrize("make", [ContactState.new, lambda: typical(1), lambda: busiest(1)])
def test_the_head_of_a_state_is_that_of_the_whole(make):
    """What is read without the rest is what the whole says."""
    assert StateHead.__struct_fields__ == ("version", *FIELDS[: len(StateHead.__struct_fields__) - 1])
    state = make()
    head = decode_head(encode_state(state))
    same = "sequence", "erased_at", "as_of", "ahead", "earned", "held", "is_erased"
    assert [getattr(head, name) for name in same] == [getattr(state, name) for name in same]
    if state.layout:
        assert (head.layout, head.headline) == (state.layout, state.headline)


@pytest.mark.parametrize("placement", [None, 0, (1 << 33) - 1])
def test_the_head_of_a_stub_tells_its_placement(placement):
    """And that it is one."""
    ada = Contact(small_pack())
    ada.does("forget")
    ada.state.placement = placement
    head = decode_head(encode_state(ada.state))
    assert (head.is_erased, head.placement, head.erased_at) == (True, placement, ada.state.erased_at)


@pytest.mark.parametrize("data", [b"", b"not a state", pack([]), pack({}), pack(["1", 0, -1]), pack([0, 0, -1])])
def test_no_head_without_a_state(data):
    """The same refusals as of the whole."""
    with pytest.raises(DataError):
        decode_head(data)
    with pytest.raises(UnknownStateVersionError):
        decode_head(pack([STATE_VERSION + 1, "whatever", {"is": "new"}]))
    with pytest.raises(DataError):
        decode_head(encode_state(typical(3))[:-1])
