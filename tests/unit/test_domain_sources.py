"""Trust in a source: what its points count."""

from __future__ import annotations

from dataclasses import replace

from domain_kit.contact import Contact, small_pack
from domain_kit.mail import TRUST, mail_pack
from palier.domain.pack import Rule

FANS = "cheap-followers.example"


def pack(**shares):
    rules = dict(small_pack().rules) | {
        "review": Rule("review", {"warmth": 3, "zeal": 0.01}, {"warmth": -2}, 60, per_day=1),
        "done.and.granted": Rule("done.and.granted", {"warmth": 1}, grants=("@",), resets=("zeal",)),
    }
    return small_pack(rules=rules, sources=shares)


def test_points_count_as_far_as_the_source_is_trusted():
    """Of others in full; critical weights and losses likewise."""
    ada = Contact(pack(half=0.5, third=0.33), stored=True)
    ada.does("warm.8", source="half")
    assert ada.score("warmth") == 4
    ada.does("warm.8", source="whoever")
    assert ada.score("warmth") == 12
    ada.does("cold.4", source="third")
    assert ada.score("warmth") == 12 - 1.32
    ada.does("review", source="half", rating=10)
    assert ada.score("warmth") == 12 - 1.32 - 1


def test_weights_are_rounded_to_four_decimals_and_left_out_at_none():
    """A hundredth of a point, of a source that counts a hundredth, and in doubt, is nothing on that axis."""
    ada = Contact(replace(pack(least=0.01), trust=replace(TRUST, suspect=0.4)))
    ada.does("review", 1, source="least", properties={"method": "HEAD"})
    assert ada.scores() == {"warmth": 0.012, "zeal": 0}
    (reason,) = ada.explained().contributions["warmth"]
    assert reason.weight == 0.012
    assert ada.explained().contributions["zeal"] == ()


def test_a_touchpoint_of_which_nothing_is_left_still_scores():
    """It uses its cap, and takes no place anywhere."""
    rules = {"crumb": Rule("crumb", {"warmth": 0.01}, per_day=300)}
    ada = Contact(small_pack(rules=rules, sources={"tenth": 0.01}, trust=replace(TRUST, suspect=0.1)))
    for minute in range(300):
        assert ada.does("crumb", 0, 0, 4 * minute, source="tenth", properties={"method": "HEAD"}).name == "scored"
    assert ada.does("crumb", 0, 23, source="tenth", properties={"method": "HEAD"}).name == "capped"
    assert (ada.state.codes, ada.state.weightings) == (b"", [])


def test_critics_may_weigh_nothing():
    """Critical weights that are none take no place either, however often."""
    ada = Contact(small_pack(rules={"review": Rule("review", {"warmth": 5}, {}, 60)}))
    for _ in range(300):
        assert ada.does("review", rating=10).name == "scored"
    assert (ada.state.codes, ada.state.weightings) == (b"", [])


def test_bought_followers_weigh_nothing():
    """As if their types had no weights: noted, no cap, no reason. Consent, resets and the clock are not points."""
    ada = Contact(pack(**{FANS: 0.0}))
    ada.does("zeal.7")
    assert ada.does("review", 1, source=FANS).name == "noted"
    assert ada.does("review", 1).name == "scored"
    outcome = ada.does("done.and.granted", 2, source=FANS)
    assert (outcome.name, outcome.verdict) == ("noted", "human")
    assert ada.score("zeal") == 0
    assert ada.explained().permission.is_open
    assert ada.does("never.heard.of", 3, source=FANS).name == "unknown"


def test_likes_weigh_nothing_in_the_default_pack():
    """However many, and from wherever."""
    ada = Contact()
    for number in range(200):
        assert ada.does("content.liked", number / 10, object_id=f"post-{number}").name == "noted"
    assert set(ada.scores().values()) == {0}


def test_a_suspect_of_a_source_counts_both_ways():
    """The factors multiply, rounded to four decimals."""
    ada = Contact(mail_pack(sources={"half": 0.33}, trust=replace(TRUST, suspect=0.33)))
    ada.does("mail.clicked", object_id="m-1", source="half", properties={"method": "HEAD"})
    assert ada.score("warmth") == round(2 * 0.1089, 4)


def test_a_half_trusted_source_counts_for_variety():
    """A type that gained a little has gained."""
    ada = Contact(pack(half=0.5))
    ada.opts_in()
    ada.does("zeal.7", source="half")
    ada.does("zeal.7")
    ada.does("warm.1")
    assert ada.explained().tiers[1].distinct.found == 1
    ada.does("both", source="half")
    assert "zealous" in ada.held
