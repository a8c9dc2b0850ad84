"""When each earned tier was entered: what a reversal will ask for."""

from __future__ import annotations

from dataclasses import replace

from domain_kit.contact import Contact, moment, small_pack
from palier.domain.limits import NEVER
from palier.domain.pack import Tier


def entered(contact) -> dict[str, int]:
    names = [tier.name for tier in contact.pack.compiled.tiers if tier.bit & contact.state.earned]
    return dict(zip(names, contact.state.entered, strict=True))


def test_a_tier_is_entered_at_as_of():
    """Not at the time of the touchpoint that came late; behind a closed gate as well."""
    ada = Contact(small_pack(), stored=True)
    ada.does("hello", 3)
    ada.does("warm.12", 2)
    assert entered(ada) == {"warm": moment(3)}
    ada.does("zeal.6", 4)
    ada.does("zeal.7", 5)
    assert entered(ada) == {"warm": moment(3), "zealous": moment(5)}


def test_a_tier_that_was_lost_is_entered_anew():
    """The others keep their moment, above and below it."""
    ada = Contact(small_pack(), stored=True)
    for type_ in ("warm.12", "zeal.6", "zeal.7", "warm.12"):
        ada.does(type_, 1)
    ada.waits(25)
    assert set(entered(ada)) == {"zealous"}
    ada.does("warm.12", 26)
    assert entered(ada) == {"warm": moment(26), "zealous": moment(1)}


def test_a_newer_pack_enters_at_as_of_and_keeps_what_it_keeps():
    """Whatever the ranks are now; a tier under another name is another tier."""
    ada = Contact(small_pack(), stored=True)
    for type_ in ("zeal.6", "zeal.7", "warm.12"):
        ada.does(type_, 1)
    warm, zealous = small_pack().tiers
    ada.pack = small_pack(version=2, tiers=(zealous, warm, Tier("hot", {"warmth": 7}, {"warmth": 6})))
    ada.does("warm.1", 2)
    assert entered(ada) == {"zealous": moment(1), "warm": moment(1), "hot": moment(1)}
    ada.pack = small_pack(version=3, tiers=(replace(warm, name="tepid"), zealous))
    ada.does("warm.1", 3)
    assert entered(ada) == {"tepid": moment(2), "zealous": moment(1)}


def test_of_states_from_before_it_is_not_known():
    """It stays so until the tier is entered anew."""
    ada = Contact(small_pack(), stored=True)
    ada.does("warm.12", 1)
    ada.state.entered = [NEVER]
    ada.does("warm.12", 2)
    assert entered(ada) == {"warm": NEVER}
