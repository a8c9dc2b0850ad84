"""Step 5: consent, and the gate."""

from __future__ import annotations

import pytest

from domain_kit.contact import DEFAULT, Contact, small_pack, steps
from palier.domain.consent import MOST_CHANNELS


def channels(ada: Contact) -> tuple[str, ...]:
    """Granted, as the explanation tells it."""
    return ada.explained().permission.granted


def test_a_grant_is_for_the_channel_it_names():
    """`@` is the touchpoint's own channel, a name in the rule is that channel."""
    ada = Contact()
    ada.does("consent.granted", channel="sms")
    ada.does("newsletter.subscribed", channel="web")
    assert channels(ada) == ("email", "sms")


def test_per_channel_the_newest_wins_in_any_order_of_arrival():
    """A withdrawal of day 3 beats the grant of day 2, whichever comes first."""
    for order in ((2, 3), (3, 2)):
        ada = Contact()
        for day in order:
            ada.does("consent.granted" if day == 2 else "consent.withdrawn", day)
        assert channels(ada) == ()
        ada.does("consent.granted", 4)
        assert channels(ada) == ("email",)


def test_at_the_same_moment_withdrawal_wins():
    """Of a grant and a withdrawal in one millisecond, and of one repeated."""
    for order in (("consent.granted", "consent.withdrawn"), ("consent.withdrawn", "consent.granted")):
        ada = Contact()
        for type_ in order:
            ada.does(type_)
        assert channels(ada) == ()


def test_a_withdrawal_of_what_was_never_granted_is_remembered():
    """An older grant that arrives after it does not count."""
    ada = Contact()
    ada.does("consent.withdrawn", 2)
    ada.does("consent.granted", 1)
    assert channels(ada) == ()


def test_withdrawing_everything_includes_channels_not_seen_yet():
    """A grant counts only if it is newer than the withdrawal of all."""
    ada = Contact()
    ada.does("consent.granted", 0, channel="email")
    ada.does("email.complained", 2)
    ada.does("consent.granted", 1, channel="sms")
    ada.does("consent.granted", 2, channel="push")
    assert channels(ada) == ()
    ada.does("consent.granted", 2, ms=1, channel="push")
    assert channels(ada) == ("push",)


def test_a_bots_grant_is_void_and_its_withdrawal_holds():
    """The safe side of both."""
    ada = Contact()
    ada.does("consent.granted", 1, bot=True)
    assert channels(ada) == ()
    ada.does("consent.granted", 2)
    ada.does("consent.withdrawn", 3, bot=True)
    assert channels(ada) == ()


@pytest.mark.parametrize("channel", ["email", "push", "sms", "call", "chat", "social", "mobile"])
def test_any_permission_channel_opens_the_gate(channel):
    """What the default pack names."""
    ada = Contact()
    ada.opts_in(channel=channel)
    assert ada.explained().permission.is_open


@pytest.mark.parametrize("channel", ["web", "store", "community", "carrier pigeon"])
def test_other_channels_do_not_open_the_gate(channel):
    """A cookie consent is no leave to market; it is told among the granted all the same."""
    ada = Contact()
    ada.opts_in(channel=channel)
    ada.does("webinar.attended", 0)
    ada.does("webinar.attended", 1)
    assert not ada.explained().permission.is_open
    assert channels(ada) == (channel,)
    assert ada.held == ()
    assert ada.explained().earned == ("engaged",)


def test_the_gate_opens_and_closes_with_cause_permission():
    """Scores alone decide what is earned, so the tiers of a contact come and go as one."""
    ada = Contact()
    ada.does("quote.requested", 0)
    ada.does("product.searched", 0)
    ada.does("webinar.attended", 1)
    opened = ada.does("consent.granted", 2, channel="push").changes
    closed = ada.does("consent.withdrawn", 3, channel="push").changes
    assert steps(opened + closed) == [
        ("unengaged", "engaged-to-buy", "permission"),
        ("engaged-to-buy", "unengaged", "permission"),
    ]
    assert opened[0].gained == closed[0].lost == ("engaged", "engaged-to-buy")
    assert opened[0].thresholds == closed[0].thresholds == {}
    assert opened[0].channels == ("push",)
    assert closed[0].channels == ()


def test_one_of_two_channels_withdrawn_leaves_the_gate_open():
    """And no change comes out."""
    ada = Contact(small_pack(permission_channels=frozenset({"email", "sms"})))
    ada.opts_in(channel="email")
    ada.opts_in(channel="sms")
    ada.does("warm.12")
    assert ada.does("goodbye", 1, channel="sms").changes == ()
    assert steps(ada.does("goodbye", 2, channel="email").changes) == [("warm", "unengaged", "permission")]


def test_a_late_consent_holds():
    """Consent has no lateness limit: the change comes out at as_of."""
    ada = Contact()
    ada.opts_in(0)
    ada.does("webinar.attended", 29)
    ada.does("webinar.attended", 30)
    (change,) = ada.does("consent.withdrawn", 1).changes
    assert (change.cause, change.occurred_at) == ("permission", ada.state.as_of)


def test_the_tier_and_the_gate_in_one_touchpoint_is_permission():
    """A sign-up that is also the tenth point: the gate's opening is the cause."""
    ada = Contact()
    ada.does("webinar.attended", 0)
    (change,) = ada.does("newsletter.subscribed", 1).changes
    assert (change.to_tier, change.cause) == ("engaged", "permission")


def test_a_flood_of_channel_names_is_bounded():
    """The oldest consents that open no gate are forgotten; those that do stay."""
    ada = Contact()
    ada.opts_in(0, channel="email")
    for number in range(3 * MOST_CHANNELS):
        ada.opts_in(1 + number, channel=f"channel-{number}")
    assert len(ada.state.consents) == MOST_CHANNELS
    assert "email" in channels(ada)
    assert f"channel-{3 * MOST_CHANNELS - 1}" in channels(ada)


def test_the_default_packs_channels_are_the_contracts():
    """As SEMANTICS.md lists them."""
    assert sorted(DEFAULT.permission_channels) == ["call", "chat", "email", "mobile", "push", "sms", "social"]
