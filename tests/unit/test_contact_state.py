"""The encoded contact: versions, damage, size."""

from __future__ import annotations

from random import Random
from statistics import mean, median
from uuid import UUID

import msgspec
import pytest

from domain_kit.contact import DEFAULT, START, Contact, small_pack, snapshot
from palier.contracts.contact_state import (
    STATE_VERSION,
    StateHead,
    UnknownStateVersionError,
    decode_head,
    decode_state,
    encode_state,
)
from palier.domain.fold import fold
from palier.domain.limits import DAY_MS
from palier.domain.state import FIELDS, ContactState
from palier.domain.touchpoint import Touchpoint
from palier.errors import DataError, ExitCode

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode

MAIL, WEB, APP, TILL = ("mailer", "email"), ("web-tracker", "web"), ("mobile-app", "mobile"), ("store-till", "store")
TYPICAL = (
    ("email.delivered", 20, MAIL, None),
    ("email.opened", 18, MAIL, None),
    ("email.clicked", 7, MAIL, None),
    ("page.viewed", 18, WEB, "page"),
    ("article.read", 6, WEB, "article"),
    ("video.watched", 3, APP, "video"),
    ("poll.answered", 1, APP, "poll"),
    ("product.viewed", 11, WEB, "product"),
    ("product.searched", 3, WEB, None),
    ("pricing.viewed", 1, WEB, None),
    ("wishlist.added", 1, APP, "product"),
    ("cart.added", 2, WEB, "product"),
    ("checkout.started", 1, WEB, None),
    ("order.completed", 1, WEB, "order"),
    ("store.visited", 1, TILL, None),
    ("rating.given", 1, WEB, "product"),
    ("review.posted", 0.5, WEB, "product"),
    ("content.shared", 0.5, APP, "article"),
    ("consent.granted", 0.5, MAIL, None),
)
"""What a subscriber does: type, share, source and channel, and what it is done to."""


def uuid(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def typical(seed: int) -> ContactState:
    """50 touchpoints over 90 days, in order; ids are UUIDs; a campaign a month."""
    chance, state = Random(seed), ContactState.new()
    kinds = chance.choices(TYPICAL, [kind[1] for kind in TYPICAL], k=49)
    times = sorted(chance.randrange(90 * DAY_MS) for _ in range(50))
    for at, (type_, _, (source, channel), about) in zip(
        times, [("newsletter.subscribed", 0, MAIL, None), *kinds], strict=True
    ):
        object_id = about and f"{about}-{chance.randrange(5_000)}"
        campaign_id = f"month-{at // (30 * DAY_MS)}" if channel == "email" else None
        touchpoint = Touchpoint(
            uuid(chance),
            source,
            type_,
            channel,
            "ada",
            START + at,
            object_id,
            campaign_id,
            chance.choice((20, 80, 100)),
        )
        fold(state, touchpoint, DEFAULT)
    return state


def busiest(seed: int) -> ContactState:
    """30 touchpoints a day for a month, of every type that scores, each about something else."""
    chance, state = Random(seed), ContactState.new()
    types = [rule.type for rule in DEFAULT.rules.values() if rule.weights]
    for number in range(900):
        source, channel = chance.choice((MAIL, WEB, APP, TILL))
        at = START + number * 30 * DAY_MS // 900
        names = f"product-{chance.randrange(100_000)}", f"campaign-{chance.randrange(12)}"
        fold(state, Touchpoint(uuid(chance), source, chance.choice(types), channel, "ada", at, *names), DEFAULT)
    return state


def test_a_typical_contact_takes_800_bytes():
    """50 touchpoints over 90 days with UUIDs: in the mean and for most."""
    sizes = [len(encode_state(typical(seed))) for seed in range(60)]
    assert mean(sizes) <= 800
    assert median(sizes) <= 800


def test_the_busiest_contact_takes_4_kib():
    """Every list at its limit."""
    assert max(len(encode_state(busiest(seed))) for seed in range(10)) <= 4096


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
