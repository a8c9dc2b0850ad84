"""The model itself, on figures worked out by hand: the contract's own ("Check of the numbers"), and from its sentences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from model.naive import CRAWLERS, NaiveModel, milliseconds
from model.tables import DAY, HOUR, KNOWING, MINUTE, WARY_TWINS, BadgeRow

START = milliseconds("2024-01-01T12:00:00Z")
numbers = itertools.count()


def touch(type_: str, t: int, **members) -> dict:
    """A touchpoint of the one contact."""
    basis = {"id": str(next(numbers)), "source": "test", "channel": "email", "contact_id": "ada", "occurred_at": t}
    return basis | {"type": type_} | members


def changes(*touchpoints: dict, until: int) -> list[tuple[str, str, int]]:
    """(gained or lost, cause, whole days since the start) of every tier change of an opted-in contact."""
    model = NaiveModel()
    model.feed(touch("consent.granted", START))
    found = [change for touchpoint in touchpoints for change in model.feed(touchpoint)[1]] + model.expire_all(until)
    assert [change["sequence"] for change in found] == list(range(1, len(found) + 1))
    return [
        ("+".join(change["gained"]) or f"-{'-'.join(change['lost'])}", change["cause"], (change["occurred_at"] - START) // DAY)
        for change in found
    ]  # fmt: skip


def test_product_cart_and_checkout_are_engaged_to_buy_at_once_and_lapse_after_9_days():
    """43 intent of three types: gained with the checkout, lost when it has decayed to 27."""
    visit = [touch(type_, START) for type_ in ("product.viewed", "cart.added", "checkout.started")]
    assert changes(*visit, until=START + 30 * DAY) == [
        ("engaged-to-buy", "touchpoint", 0),
        ("-engaged-to-buy", "inactivity", 9),
    ]


def test_a_quote_alone_is_one_type_and_with_a_search_within_two_days_engaged_to_buy():
    """Enough points do not help where two types are asked for."""
    quote = touch("quote.requested", START)
    assert changes(quote, until=START) == []
    assert changes(quote, touch("product.searched", START + DAY), until=START + DAY) == [
        ("engaged-to-buy", "touchpoint", 1)
    ]


def test_a_converted_referral_and_a_review_are_engaged_to_influence_for_81_days():
    """75 advocacy with interest 10 is enough; the interest may then decay, only advocacy is tested for staying."""
    advocacy = [touch("referral.converted", START), touch("review.posted", START)]
    assert changes(*advocacy, until=START + 365 * DAY) == [
        ("engaged-to-influence", "touchpoint", 0),
        ("-engaged-to-influence", "inactivity", 81),
    ]


def test_six_a_week_settles_near_40_is_engaged_at_the_fourth_visit_and_stays_about_48_days():
    """The steady reader: two poll-like visits' worth of interest once a week."""
    weeks = 60
    visits = [
        touch(type_, START + week * 7 * DAY) for week in range(weeks) for type_ in ("game.played", "email.clicked")
    ]
    (gained, _, entered), (lost, cause, left) = changes(*visits, until=START + 700 * DAY)
    assert (gained, entered) == ("engaged", 3 * 7)
    assert (lost, cause) == ("-engaged", "inactivity")
    assert left - (weeks - 1) * 7 == pytest.approx(48, abs=1)


def test_three_one_star_reviews_make_no_influencer():
    """A critic is engaged, not an advocate: 125 points of advocacy had the reviews been kind, 5 of interest each as it is."""
    reviews = [touch("review.posted", START + day * DAY, rating=20) for day in range(5)]
    assert changes(*reviews, until=START + 5 * DAY) == [("engaged", "touchpoint", 3)]


# --- trust ----------------------------------------------------------------------------------------------------------------


class Ada:
    """One contact under a pack, with leave to market."""

    def __init__(self, table=KNOWING):
        self.model = NaiveModel(table)
        self.feed("consent.granted", 0)

    def feed(self, type_: str, ms: int, **members) -> str:
        """Outcome of a touchpoint so many ms after the start; `told` and `changes` keep the rest."""
        properties = {name: members.pop(name) for name in ("link", "honeypot", "method") if name in members}
        if "revoked" in members:
            properties |= {"id": members.pop("revoked")}
        members |= {"properties": properties} if properties else {}
        self.sent = touch(type_, START + ms, **members)
        outcome, self.changes = self.model.feed(self.sent)
        self.told = self.model.told
        return outcome

    def click(self, ms: int, link: str | None = None, **members) -> str:
        """Of one newsletter."""
        return self.feed("email.clicked", ms, object_id="newsletter", **({"link": link} if link else {}), **members)

    @property
    def judged(self) -> tuple[str, list[str]]:
        return self.told.verdict, self.told.evidence

    def score(self, axis: str = "interest") -> float:
        return self.model.contacts["ada"].life.scores[axis]

    @property
    def held(self) -> set[str]:
        return self.model.contacts["ada"].held


@pytest.mark.parametrize(
    ("moments", "judged"),
    [
        ((0, 500, 1000), ("bot", ["click-burst"])),
        ((0, 500, 1001), ("human", [])),
        ((0, 1000, 500), ("bot", ["click-burst"])),
        ((500, 1000, 0), ("bot", ["click-burst"])),
        ((0, 1000), ("human", [])),
    ],
)
def test_three_clicks_of_a_message_within_a_second_are_a_burst(moments, judged):
    """The last of them to arrive lies in a span of at most 1 s with two remembered clicks, whatever their order."""
    ada = Ada()
    for moment in moments:
        ada.click(HOUR + moment)
    assert ada.judged == judged


@pytest.mark.parametrize(
    ("clicks", "evidence"),
    [
        (((0, "a"), (1200, "b"), (2000, "c")), ["many-links"]),
        (((0, "a"), (1200, "b"), (2001, "c")), []),
        (((0, "a"), (1200, "b"), (2000, "a")), []),
        (((0, "a"), (1200, "b"), (2000, None)), []),
        (((0, "a"), (1200, None), (2000, "c")), []),
        (((0, "a"), (100, "b"), (900, "c")), ["click-burst", "many-links"]),
    ],
)
def test_clicks_on_three_links_of_a_message_within_two_seconds_are_too_many(clicks, evidence):
    """Its own link is one of them; a click without a link is none."""
    ada = Ada()
    for moment, link in clicks:
        ada.click(HOUR + moment, link)
    assert ada.judged == (("bot" if evidence else "human"), evidence)


def test_clicks_of_two_messages_are_no_burst():
    """Each message remembers its own clicks, and a click without an object is of no message."""
    ada = Ada()
    for moment, members in enumerate(({"object_id": "a"}, {"object_id": "b"}, {}, {}, {"object_id": "a"})):
        ada.feed("email.clicked", HOUR + moment, **members)
        assert ada.judged == ("human", [])


@pytest.mark.parametrize(
    ("after", "evidence"), [(-1, []), (0, ["too-soon"]), (1999, ["too-soon"]), (2000, []), (2001, [])]
)
def test_an_open_within_two_seconds_of_the_delivery_is_too_soon(after, evidence):
    """One weak sign makes a suspect, who scores half."""
    ada = Ada()
    ada.feed("push.delivered", HOUR, object_id="offer")
    assert ada.feed("push.opened", HOUR + after, object_id="offer") == "scored"
    assert ada.judged == (("suspect" if evidence else "human"), evidence)
    assert ada.score() == pytest.approx(1.5 if evidence else 3, abs=1e-3)


def test_two_weak_signs_make_a_bot():
    """Neither alone does, and a HEAD request alone is half a visit."""
    ada = Ada()
    ada.feed("email.delivered", HOUR, object_id="newsletter")
    assert ada.click(HOUR + 1, method="HEAD") == "noted"
    assert ada.judged == ("bot", ["too-soon", "head-request"])
    assert ada.feed("webinar.attended", HOUR + 2, method="HEAD") == "scored"
    assert (ada.judged, ada.score()) == (("suspect", ["head-request"]), 7.5)


def test_one_strong_sign_makes_a_bot():
    """A honeypot, exactly true; a declared crawler; the sender's flag."""
    ada = Ada()
    for members, judged in (
        ({"honeypot": True}, ("bot", ["honeypot"])),
        ({"honeypot": 1}, ("human", [])),
        ({"user_agent": CRAWLERS[0]}, ("bot", ["crawler"])),
        ({"bot": True, "honeypot": True}, ("bot", ["bot", "honeypot"])),
    ):
        ada.feed("page.viewed", HOUR, **members)
        assert ada.judged == judged


@pytest.mark.parametrize(
    ("apart", "count", "judged"), [(59_999, 30, "suspect"), (60_000, 30, "human"), (59_999, 29, "human")]
)
def test_thirty_touchpoints_in_less_than_a_minute_are_a_flood(apart, count, judged):
    """Of the ids remembered before this one the 30 that arrived last are all less than a minute away."""
    ada = Ada()
    for _ in range(count):
        ada.feed("page.viewed", HOUR)
    ada.feed("page.viewed", HOUR + apart)
    assert ada.told.verdict == judged


def test_what_is_late_is_judged_by_its_own_evidence():
    """It is no message touchpoint, and no flood."""
    ada = Ada()
    ada.feed("page.viewed", 8 * DAY)
    for moment in (0, 1, 2, 3):
        assert ada.click(moment, method="HEAD") == "late"
        assert ada.judged == ("suspect", ["head-request"])


def test_a_bots_withdrawal_holds_and_is_counted():
    """Of the erased too, where it moves the erasure forward."""
    ada = Ada()
    ada.feed("email.unsubscribed", HOUR, honeypot=True)
    assert (ada.told.bot_withdrawal, ada.judged) == (True, ("bot", ["honeypot"]))
    ada.feed("contact.erased", 2 * HOUR, honeypot=True)
    assert (ada.told.bot_withdrawal, ada.judged) == (False, ("human", []))
    assert ada.feed("consent.withdrawn", 3 * HOUR, bot=True) == "erased"
    assert (ada.told.bot_withdrawal, ada.judged) == (True, ("bot", ["bot"]))
    assert ada.feed("consent.granted", 4 * HOUR, honeypot=True) == "erased"
    assert ada.judged == ("bot", ["honeypot"])


def test_likes_and_bought_followers_weigh_nothing():
    """A like has no weights; a source of factor 0 is as if the rule had none, and its consent holds."""
    ada = Ada()
    bought = {"source": "cheap-followers.example"}
    assert ada.feed("content.liked", HOUR) == "noted"
    assert ada.feed("content.shared", HOUR, **bought) == "noted"
    assert ada.feed("newsletter.subscribed", HOUR, **bought) == "noted"
    assert (ada.score(), ada.model._channels(ada.model.contacts["ada"])) == (0, ["email"])
    ada.feed("cart.added", 2 * HOUR)
    assert ada.feed("order.completed", 2 * HOUR, **bought) == "noted"
    assert ada.score("intent") == 0


def test_weights_are_rounded_to_four_decimals():
    """A suspect open of a source in doubt: 0.2 points times round(0.33 x 0.33, 4) = 0.1089 are 0.0218."""
    ada = Ada(WARY_TWINS)
    ada.feed("email.opened", HOUR, object_id="newsletter", method="HEAD", source="partner.example")
    assert ada.score() == 0.0218


# --- conviction backwards -------------------------------------------------------------------------------------------------


def test_of_a_scanner_no_score_stays_and_the_human_click_counts():
    """Three links within 2 s: the two that scored are taken back, with their caps; minutes later a click is human."""
    ada = Ada()
    assert [ada.click(HOUR + moment, link) for moment, link in ((0, "a"), (900, "b"))] == ["scored", "capped"]
    assert ada.click(HOUR + 1800, "c") == "noted"
    assert (ada.told.taken_back, ada.told.not_reversible, ada.score()) == (1, 0, 0)
    assert ada.click(HOUR + 11_800, "d") == "noted"
    assert ada.judged == ("bot", ["convicted"])
    assert ada.click(HOUR + 11_801, "d") == "scored"
    assert ada.judged == ("human", [])
    assert ada.score() == 3


def test_a_scanners_lift_is_taken_back_and_the_human_lifts_again():
    """A webinar, 15 points, on the first day; the scanner's click of the second makes 17.66 no tier, two make one."""
    ada = Ada()
    ada.feed("webinar.attended", 0)
    ada.feed("poll.answered", DAY)
    assert ada.click(DAY + HOUR, "a") == "scored"
    assert (ada.held, ada.changes[0]["cause"]) == ({"engaged"}, "touchpoint")
    entered = 15 * 2 ** (-25 / 24 / 30) + 4 * 2 ** (-1 / 24 / 30) + 3
    assert ada.score() == pytest.approx(entered, abs=1e-9)
    ada.click(DAY + HOUR + 1000, "b")
    ada.click(DAY + HOUR + 2000, "c")
    (change,) = ada.changes
    assert ada.told.taken_back == 1
    assert (change["cause"], change["lost"], change["evidence"]) == ("reversal", ["engaged"], ["many-links"])
    assert change["thresholds"] == {"engaged": {"interest": 19}}  # its enter numbers: 18.6 is above 13
    assert change["touchpoint_id"] == ada.sent["id"]
    ada.click(DAY + HOUR + 3 * MINUTE, "a")
    assert (ada.held, ada.changes[0]["cause"], ada.changes[0]["evidence"]) == ({"engaged"}, "touchpoint", [])


def test_who_was_in_before_the_robots_came_is_not_thrown_out():
    """What is taken back came after she had entered: the leave threshold counts as ever."""
    ada = Ada()
    ada.feed("webinar.attended", 0)
    ada.feed("article.read", DAY)
    assert ada.held == {"engaged"}
    for link, moment in (("a", 0), ("b", 700), ("c", 1400)):
        ada.click(10 * DAY + moment, link)
    assert (ada.told.taken_back, ada.changes, ada.held) == (1, [], {"engaged"})


def test_a_honeypot_takes_back_ten_seconds_on_either_side():
    """10 000 ms are within, 10 001 are not; what is taken back leaves distinct days too."""
    ada = Ada()
    for number, moment in enumerate((-10_001, -10_000, 10_000)):
        ada.feed("email.clicked", HOUR + moment, object_id="offer", link=str(number))
    ada.feed("push.opened", HOUR + 5_000, object_id="offer")
    assert ada.score() == pytest.approx(6, abs=1e-3)  # one click and the push: an object scores once a day
    ada.feed("email.clicked", HOUR, object_id="offer", honeypot=True)
    assert (ada.told.taken_back, ada.told.not_reversible) == (1, 0)  # the push; the click that scored is 10 001 ms away
    assert ada.score() == pytest.approx(3, abs=1e-3)


# --- touchpoint.revoked ---------------------------------------------------------------------------------------------------


def test_a_deleted_review_is_taken_back_with_its_caps():
    """25 points of advocacy and 5 of interest go; the same object may score again on that day."""
    ada = Ada()
    assert ada.feed("review.posted", HOUR, object_id="book", rating=100, id="review") == "scored"
    assert ada.feed("review.posted", HOUR, object_id="book", rating=100) == "capped"
    assert ada.feed("touchpoint.revoked", 2 * HOUR, revoked="review") == "noted"
    assert (ada.told.taken_back, ada.told.not_reversible) == (1, 0)
    assert (ada.score(), ada.score("advocacy")) == (0, 0)
    assert ada.feed("review.posted", 2 * HOUR, object_id="book", rating=100) == "scored"


def test_what_nobody_knows_any_more_is_not_reversible():
    """Twice, unheard of, from another source, or never scored; without an id, or by a bot, nothing is counted."""
    ada = Ada()
    ada.feed("chat.started", HOUR, id="chat")
    for revoked, members, counted in (
        ("unheard-of", {}, (0, 1)),
        ("chat", {"source": "elsewhere"}, (0, 1)),
        ("chat", {"bot": True}, (0, 0)),
        (None, {}, (0, 0)),
        (7, {}, (0, 0)),
        ("chat", {}, (1, 0)),
        ("chat", {}, (0, 1)),
    ):
        assert ada.feed("touchpoint.revoked", 2 * HOUR, revoked=revoked, **members) == "noted"
        assert (ada.told.taken_back, ada.told.not_reversible) == counted
    assert ada.score() == 0


def test_a_late_revocation_holds():
    """As a reset does; the outcome is late."""
    ada = Ada()
    ada.feed("chat.started", 8 * DAY, id="chat")
    assert ada.feed("touchpoint.revoked", 0, revoked="chat") == "late"
    assert (ada.told.taken_back, ada.score()) == (1, 0)


def test_what_has_left_one_ring_keeps_its_points_there():
    """16 views weigh on both axes; a search before them has left both; what weighs on one more axis is lost on one only."""
    ada = Ada()
    ada.feed("store.visited", HOUR, id="store")  # 8 interest, 4 intent
    for number in range(8):
        ada.feed("page.viewed", HOUR, object_id=str(number))
        ada.feed("article.read", HOUR, object_id=str(number))  # 4 a day score
        ada.feed("video.watched", HOUR, object_id=str(number))  # 4 a day score
    assert ada.score() == 8 + 8 * 1 + 4 * 5 + 4 * 4
    ada.feed("touchpoint.revoked", HOUR, revoked="store")
    assert (ada.told.taken_back, ada.told.not_reversible) == (1, 1)
    assert (ada.score(), ada.score("intent")) == (8 + 8 + 20 + 16, 0)


def test_a_type_and_a_day_go_with_what_is_taken_back():
    """Two types make the tier; when one of them is revoked, the points of another contribution do not bring it back."""
    ada = Ada()
    ada.feed("quote.requested", HOUR, id="quote")
    ada.feed("cart.added", HOUR, object_id="a", id="cart")
    assert ada.held == {"engaged-to-buy"}
    ada.feed("touchpoint.revoked", HOUR, revoked="cart")
    assert (ada.changes, ada.held) == ([], {"engaged-to-buy"})  # 40 is above 38, and distinct is not asked
    ada.feed("touchpoint.revoked", HOUR, revoked="quote")
    (change,) = ada.changes
    assert (change["lost"], change["cause"]) == (["engaged-to-buy"], "reversal")
    ada.feed("checkout.started", 2 * HOUR)
    ada.feed("quote.requested", 2 * HOUR + DAY)
    assert ada.held == {"engaged-to-buy"}


def test_a_loss_is_given_back():
    """A refund of 10 points that was a mistake; a tier it kept her from is entered, by its enter threshold."""
    ada = Ada()
    ada.feed("webinar.attended", 0)
    ada.feed("order.refunded", DAY, id="refund")
    ada.feed("form.submitted", DAY)
    assert ada.held == set()
    ada.feed("touchpoint.revoked", DAY, revoked="refund")
    (change,) = ada.changes
    assert (change["gained"], change["cause"]) == (["engaged"], "reversal")
    assert change["thresholds"] == {"engaged": {"interest": 19}}


# --- best hour and preferred channel --------------------------------------------------------------------------------------


def best_hour(ada: Ada) -> dict:
    return ada.model._best_hour(ada.model.contacts["ada"].life)


def visits(ada: Ada, first_day: str, moments: list[str], **members) -> None:
    """One on each of so many days, by the UTC clock."""
    day = milliseconds(f"{first_day}T00:00:00Z") - START
    for number, moment in enumerate(moments):
        hours, minutes = moment.split(":")
        members.setdefault("channel", "web")
        ada.feed("page.viewed", day + number * DAY + int(hours) * HOUR + int(minutes) * MINUTE, **members)


def test_who_reads_between_seven_and_eight_in_paris_is_reached_at_seven():
    """Winter and summer alike: 6 o'clock UTC is 7 in January, 5 is 7 in July."""
    ada = Ada()
    visits(ada, "2024-01-10", ["06:10", "06:50", "06:59", "06:00", "07:10"], timezone="Europe/Paris")
    visits(ada, "2024-07-10", ["05:10", "05:50", "05:59", "05:00", "06:10"], timezone="Europe/Paris")
    assert best_hour(ada) == {
        "hour": 7,
        "confidence": 1.0,
        "samples": 10,
        "zone": "Europe/Paris",
        "channels": {"web": {"hour": 7, "confidence": 1.0, "samples": 10}},
    }


def test_midnight_is_in_the_middle_of_its_neighbours():
    """Half at 23, half at 0: 0, the first of two equals, and not noon."""
    ada = Ada()
    visits(ada, "2024-01-10", ["23:10", "0:50", "23:59", "0:00"] * 3)
    assert (best_hour(ada)["hour"], best_hour(ada)["confidence"]) == (0, 1.0)


def test_mornings_and_evenings_are_half_a_confidence():
    """Three at 8, two at 19 and one at 3: 8, and 50 per cent; hundredths are cut off, not rounded."""
    ada = Ada()
    visits(ada, "2024-01-10", ["8:10", "19:50", "8:59", "19:00", "3:00", "8:00"])
    assert best_hour(ada)["confidence"] == 0.5
    visits(ada, "2024-01-20", ["3:10"])
    assert (best_hour(ada)["hour"], best_hour(ada)["confidence"]) == (8, 0.42)


def test_too_few_samples_are_told_as_the_fallback():
    """Ten pages within an hour are one visit; another channel has hours of its own, and all are added."""
    ada = Ada()
    visits(ada, "2024-01-10", ["8:00", "8:00", "8:00", "8:00"])
    ada.feed("page.viewed", milliseconds("2024-01-13T08:59:59Z") - START, channel="web", object_id="other")
    assert best_hour(ada) == {"hour": 10, "confidence": 0.0, "samples": 4, "zone": "UTC", "channels": {}}
    visits(ada, "2024-01-15", ["9:00"], channel="mobile")
    assert best_hour(ada) == {"hour": 8, "confidence": 1.0, "samples": 5, "zone": "UTC", "channels": {}}


def test_the_first_zone_turns_the_hours_and_later_ones_do_not():
    """Half an hour is cut off: 5.5 h turn by 5; 3.5 h behind UTC turn back by 4."""
    for zone, hour in (("Asia/Kolkata", 13), ("America/St_Johns", 4), ("Nowhere/Land", 8)):
        ada = Ada()
        visits(ada, "2024-01-10", ["8:00", "8:00", "8:00", "8:00", "8:00"])
        ada.feed("podcast.heard", 20 * DAY, timezone=zone)
        assert best_hour(ada)["hour"] == hour
        ada.feed("podcast.heard", 21 * DAY, timezone="Europe/Paris")
        assert best_hour(ada)["hour"] == (9 if zone == "Nowhere/Land" else hour)


def test_what_is_no_sample():
    """Suspects, bots, what is late, losses, what has no weights, somebody else's hour, sources without trust."""
    ada = Ada()
    ada.feed("podcast.heard", 10 * DAY)
    for type_, ms, members in (
        ("page.viewed", 10 * DAY, {"method": "HEAD"}),
        ("page.viewed", 10 * DAY, {"bot": True}),
        ("page.viewed", 2 * DAY, {}),
        ("order.refunded", 10 * DAY, {}),
        ("content.liked", 10 * DAY, {}),
        ("answer.accepted", 10 * DAY, {}),
        ("page.viewed", 10 * DAY, {"source": "cheap-followers.example"}),
        ("podcast.heard", 10 * DAY, {}),
    ):
        ada.feed(type_, ms, **members)
        assert best_hour(ada)["samples"] == 0
    ada.feed("page.viewed", 10 * DAY)
    assert best_hour(ada)["samples"] == 1


def test_a_full_hour_halves_them_all():
    """The ninth of eight: 8, 1 become 4, 0, and one is added."""
    ada = Ada(WARY_TWINS)
    visits(ada, "2024-01-10", ["3:00", *["8:00"] * 9])
    assert ada.model.contacts["ada"].life.bins["web"] == [0] * 8 + [5] + [0] * 15


def test_a_conviction_takes_hours_and_reach_back():
    """What was sampled and engaged within 10 s of it; a human click minutes later engages again."""
    ada = Ada()
    ada.feed("email.delivered", HOUR - 60_000, object_id="newsletter")
    life = ada.model.contacts["ada"].life
    ada.click(HOUR, "a")
    assert (sum(life.bins["email"]), life.delivered, life.engaged) == (1, {"email": 1}, {"email": 1})
    ada.click(HOUR + 10_000, honeypot=True)
    assert (sum(life.bins["email"]), life.delivered, life.engaged) == (0, {"email": 1}, {"email": 0})
    ada.click(HOUR + 3 * MINUTE, "a")
    assert (sum(life.bins["email"]), life.engaged) == (0, {"email": 1})  # in the hour that was sampled last


def test_an_open_before_its_delivery_engages_with_it():
    """Of two touchpoints the one that completes it tells the channel; a second delivery is none."""
    ada = Ada()
    ada.feed("email.opened", HOUR, object_id="newsletter", channel="web")
    ada.feed("email.delivered", HOUR - 60_000, object_id="newsletter")
    ada.feed("email.delivered", HOUR - 50_000, object_id="newsletter")
    life = ada.model.contacts["ada"].life
    assert (life.delivered, life.engaged) == ({"email": 1}, {"email": 1})


def test_the_channel_with_the_greatest_share_is_preferred():
    """Of granted ones with three deliveries, if they are two; of equals the one with more deliveries."""
    ada = Ada()

    def sent(channel, count, engaged):
        for number in range(count):
            ada.now = getattr(ada, "now", 0) + HOUR
            ada.feed(f"{channel}.delivered", ada.now, object_id=f"{channel} {ada.now}", channel=channel)
            if number < engaged:
                act = "clicked" if channel == "sms" else "opened"
                ada.feed(f"{channel}.{act}", ada.now + MINUTE, object_id=f"{channel} {ada.now}", channel=channel)

    def preferred():
        return ada.model._preferred_channel(ada.model.contacts["ada"])

    sent("email", 4, 1)
    sent("sms", 3, 2)
    assert preferred() is None  # sms is not granted
    ada.feed("consent.granted", 0, channel="sms")
    assert preferred() == "sms"
    ada.feed("consent.granted", 0, channel="push")
    sent("push", 2, 2)
    assert preferred() == "sms"
    sent("push", 4, 2)
    assert preferred() == "push"  # 4 of 6 and more deliveries than 2 of 3


# --- value ----------------------------------------------------------------------------------------------------------------


def order(
    ada: Ada, ms: int, amount: str | None = None, type_: str = "order.completed", currency: str = "EUR", **members
):
    if amount is not None:
        members["value"] = {"amount": amount, "currency": currency}
    return ada.feed(type_, ms, **members)


def test_money_is_exact():
    """0.1 and 0.2 are 0.3; 18 digits and 9 decimals; no zeros at the end, no sign of nothing."""
    ada = Ada()
    for amounts, revenue in (
        (("0.1", "0.2"), "0.3"),
        (("12.50", "-0.00"), "12.5"),
        (("-0.000000001",), "-0.000000001"),
        (("999999999999999999.999999999", "0.000000001"), "1000000000000000000"),
        (("-0",), "0"),
        (("007.10", "-10"), "-2.9"),
    ):
        ada = Ada()
        for number, amount in enumerate(amounts):
            order(ada, number, amount)
        assert ada.model.value("ada")["currencies"]["EUR"]["revenue"] == revenue


def test_orders_and_refunds():
    """Capped or not; not late, not a bot's; a refund by its amount, whatever its sign; means and days are cut off."""
    ada = Ada()
    assert ada.model.value("ada")["days_between_orders"] is None
    for number, amount in enumerate(("10", "10", "11", "0.0001", None)):
        order(ada, 10 * DAY + number * DAY // 7, amount)
    assert order(ada, 11 * DAY, "100", bot=True) == "noted"
    assert order(ada, 2 * DAY, "100") == "late"
    order(ada, 11 * DAY, "-4.50", "order.refunded")
    order(ada, 11 * DAY, "4.50", "order.refunded")
    order(ada, 11 * DAY, "3", "order.refunded", "USD")
    assert ada.model.value("ada") == {
        "orders": 5,
        "refunds": 3,
        "first_order": START + 10 * DAY,
        "last_order": START + 10 * DAY + 4 * DAY // 7,
        "days_between_orders": 0.1428,
        "currencies": {
            "EUR": {"orders": 4, "revenue": "31.0001", "refunds": 2, "refunded": "9", "mean_order": "7.75"},
            "USD": {"orders": 0, "revenue": "0", "refunds": 1, "refunded": "3", "mean_order": None},
        },
        "lifetime_value": {"EUR": "134.53", "USD": "0"},
    }
    # 22.0001 net of 5 orders, 52 a year at most, three years of which she stays 1 + 0.6 + 0.36, a margin of 30 per cent


def test_lifetime_value_of_one_order_and_of_one_who_has_lapsed():
    """Half an order a year after the first: 100 x 0.5 x 1.96 x 0.3; gone after three gaps of two years."""
    ada = Ada()
    order(ada, 0, "100")
    assert ada.model.value("ada")["lifetime_value"] == {"EUR": "29.4"}
    ada.feed("page.viewed", 6 * 365 * DAY)
    assert ada.model.value("ada")["lifetime_value"] == {"EUR": "29.4"}
    ada.feed("page.viewed", 6 * 365 * DAY + 1)
    assert ada.model.value("ada")["lifetime_value"] == {"EUR": "0"}


def test_lifetime_value_of_orders_half_a_year_apart():
    """2 of 50, less a refund of 30: 35 an order, two a year, 1.96 years, 30 per cent are 41.16."""
    ada = Ada()
    order(ada, 0, "50")
    order(ada, 365 * DAY // 2, "50")
    order(ada, 365 * DAY // 2, "30", "order.refunded")
    assert ada.model.value("ada")["lifetime_value"] == {"EUR": "41.16"}


def test_eight_currencies_are_counted():
    """First come; an order in a ninth is one all the same."""
    ada = Ada()
    for number in range(9):
        order(ada, number, "1", currency=f"AA{'ABCDEFGHI'[number]}")
    value = ada.model.value("ada")
    assert (value["orders"], len(value["currencies"]), "AAI" in value["currencies"]) == (9, 8, False)


# --- points and badges ----------------------------------------------------------------------------------------------------


def points(ada: Ada) -> int:
    return ada.model.contacts["ada"].life.points


def badges(ada: Ada) -> list[str]:
    return [badge["badge"] for badge in ada.told.badges]


def test_points_are_the_positive_weights_of_humans():
    """Before factors, critical or not; hundredths add up before they are cut off; capped ones, suspects and losses give none."""
    ada = Ada()
    for type_, ms, members, total in (
        ("review.posted", 0, {"rating": 80, "id": "review"}, 30),
        ("review.posted", 1, {"rating": 20}, 35),
        ("review.posted", 2, {"rating": 80}, 35),  # capped
        ("cart.removed", 3, {}, 35),
        ("webinar.attended", 4, {"method": "HEAD"}, 35),
        ("email.opened", 5, {}, 35),  # 0.2
        ("page.viewed", 6, {"source": "cheap-followers.example"}, 35),
        ("touchpoint.revoked", 7, {"revoked": "review"}, 35),
        ("cart.added", 8, {}, 48),
    ):
        ada.feed(type_, ms, **members)
        assert points(ada) == total
    ada = Ada(WARY_TWINS)  # 7 for each weight, 1000 for a webinar, none for an open
    for type_, total in (
        ("page.viewed", 7),
        ("webinar.attended", 1007),
        ("email.opened", 1007),
        ("order.completed", 1021),
    ):
        ada.feed(type_, 0, source="partner.example")
        assert points(ada) == total


def test_a_badge_is_earned_once_and_says_all_that_were():
    """Several by one touchpoint come in the order of the pack, each with those so far."""
    ada = Ada(WARY_TWINS)
    ada.feed("article.read", 0)
    assert badges(ada) == ["there"]
    ada.feed("page.viewed", DAY)
    assert [(badge["badge"], badge["badges"]) for badge in ada.told.badges] == [
        ("second", ["second", "there"]),
        ("daily-reader", ["daily-reader", "second", "there"]),
    ]
    assert ada.told.badges[0] | {"badge": "daily-reader", "badges": ["daily-reader", "second", "there"]} == {
        "contact_id": "ada",
        "badge": "daily-reader",
        "badges": ["daily-reader", "second", "there"],
        "points": 42,
        "occurred_at": START + DAY,
        "touchpoint_id": ada.sent["id"],
        "touchpoint_source": "test",
    }
    ada.feed("page.viewed", 2 * DAY)
    assert badges(ada) == ["three-in-a-row"]


def test_seven_days_in_a_row():
    """The same day, or an earlier one, does nothing; a gap begins anew."""
    ada = Ada()
    days = (0, 1, 1, 2, 0, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)
    earned = []
    for number, day in enumerate(days):
        ada.feed("page.viewed", day * DAY + number)
        earned += [(day, *badges(ada))] if badges(ada) else []
    assert earned == [(13, "regular")]


def test_progress_is_kept_by_name_over_packs():
    """A badge that counts otherwise begins anew; what was dropped begins anew; what was earned stays and is not earned again."""
    counting = replace(KNOWING, badges={"reader": BadgeRow(("page.viewed",), count=3), "one": BadgeRow(count=1)})
    ada = Ada(counting)
    ada.feed("page.viewed", 1)
    ada.feed("page.viewed", 2)
    assert badges(ada) == []
    ada.model.table = replace(counting, badges={"reader": BadgeRow(streak_days=2)})
    ada.feed("page.viewed", 3)
    assert badges(ada) == []
    ada.model.table = replace(counting)
    for ms, earned in ((4, []), (5, []), (6, [["one", "reader"]])):
        ada.feed("page.viewed", ms)
        assert [badge["badges"] for badge in ada.told.badges] == earned
