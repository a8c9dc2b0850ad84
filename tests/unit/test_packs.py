"""Rule packs: the default one, reading, and every way one can be wrong."""

from __future__ import annotations

import tomllib

import pytest

from palier.domain.limits import DAY_MS
from palier.domain.pack import Axis, ClickBurst, Distinct, Flood, ManyLinks, Rule, Tier, Trust
from palier.errors import ConfigurationError, ExitCode
from palier.packs import load_pack, pack_source, parse_pack

SMALL = """
name = "small"
version = 3

[axes]
zeal = { half_life_days = 0.5 }
warmth = { half_life_days = 10 }

[[tiers]]
name = "warm"
enter = { warmth = 10.5 }
leave = { warmth = 5 }

[[tiers]]
name = "zealous"
meaning = "does it again"
enter = { zeal = 10, warmth = 1 }
leave = { zeal = 5 }
distinct = { of = "types", axis = "zeal", at_least = 2, within_days = 1.5 }

[permission]
channels = ["email", "sms"]

[touchpoints]
"hello" = { grants = ["@", "email"] }
"goodbye" = { withdraws = ["*"], zero = true }
"forget" = { erases = true }

[touchpoints."review"]
weights = { warmth = 2, zeal = -1.25 }
critical = { below = 40, weights = { warmth = 0.5 } }
per_day = 2
per_object = 1
resets = ["zeal"]
"""


def test_a_file_becomes_a_pack(tmp_path):
    """Every member arrives where the fold looks for it; days become milliseconds."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    pack = load_pack(path)
    assert (pack.name, pack.version) == ("small", 3)
    assert pack.axes == (Axis("zeal", DAY_MS // 2), Axis("warmth", 10 * DAY_MS))
    assert pack.tiers == (
        Tier("warm", {"warmth": 10.5}, {"warmth": 5}),
        Tier(
            "zealous",
            {"zeal": 10, "warmth": 1},
            {"zeal": 5},
            Distinct("types", "zeal", 2, 3 * DAY_MS // 2),
            "does it again",
        ),
    )
    assert pack.permission_channels == {"email", "sms"}
    assert pack.rules == {
        "hello": Rule("hello", grants=("@", "email")),
        "goodbye": Rule("goodbye", withdraws=("*",), zero=True),
        "forget": Rule("forget", erases=True),
        "review": Rule(
            "review",
            weights={"warmth": 2, "zeal": -1.25},
            critical_weights={"warmth": 0.5},
            critical_below=40,
            per_day=2,
            per_object=1,
            resets=("zeal",),
        ),
    }
    assert pack_source(path) == SMALL


JUDGING = (
    SMALL
    + """
[touchpoints."mail.clicked"]
message = "clicked"

[trust]
flag = false
honeypot = true
crawler = true
head_request = true
too_soon = { within_seconds = 2.5 }
click_burst = { clicks = 4, within_seconds = 0.0014, reverses = true }
many_links = { links = 2, within_seconds = 3_600 }
flood = { touchpoints = 120, within_seconds = 60 }
suspect = 0.25
kinds_for_bot = 3
reversal_seconds = 0.5

[sources]
"cheap-followers.example" = 0
till = 0.75
"""
)


def test_trust_becomes_milliseconds():
    """Every member of [trust] and [sources] arrives, seconds rounded to milliseconds."""
    pack = parse_pack(JUDGING, "a pack")
    assert pack.trust == Trust(
        flag=False,
        honeypot=True,
        crawler=True,
        head_request=True,
        too_soon_ms=2_500,
        click_burst=ClickBurst(4, 1, reverses=True),
        many_links=ManyLinks(2, 3_600_000, reverses=False),
        flood=Flood(120, 60_000),
        suspect=0.25,
        kinds_for_bot=3,
        reversal_ms=500,
    )
    assert pack.sources == {"cheap-followers.example": 0, "till": 0.75}
    assert pack.rules["mail.clicked"] == Rule("mail.clicked", message="clicked")


def test_what_is_left_out_of_trust_is_off():
    """With the table itself the sender's flag alone remains; in an empty one the shares and limits are the usual ones."""
    assert parse_pack(SMALL, "a pack").trust == Trust()
    assert parse_pack(SMALL + "[trust]\n", "a pack").trust == Trust(reversal_ms=10_000)


def test_a_pack_without_trust_has_the_digest_it_had():
    """Written before there was such a table, it is the same pack."""
    assert parse_pack(SMALL, "a pack").digest == "63740db98dbd45980ddc23d743a38d9660dcf0d55252b730280500b010c47b04"
    text = SMALL.replace('"hello" = {', '"hello" = { message = "opened",')
    assert len({parse_pack(one, "it").digest for one in (SMALL, text, SMALL + "[trust]\nflag = false\n")}) == 3


def test_the_digest_is_of_what_the_pack_says():
    """Comments, layout, order without meaning and defaults spelled out change nothing; a number does."""
    digest = parse_pack(SMALL, "a pack").digest
    assert len(digest) == 64
    same = [
        SMALL.replace("version = 3", "version = 3 # three"),
        SMALL.replace('["email", "sms"]', '[\n  "sms",\n  "email",\n]'),
        SMALL.replace("warmth = 2, zeal = -1.25", "zeal = -1.25, warmth = 2.0"),
        SMALL.replace("erases = true", "erases = true, zero = false, grants = []"),
    ]
    assert {parse_pack(text, "a pack").digest for text in same} == {digest}
    zeal, warmth = "zeal = { half_life_days = 0.5 }\n", "warmth = { half_life_days = 10 }\n"
    other = [
        SMALL.replace("zeal = -1.25", "zeal = -1.26"),
        SMALL.replace("does it again", "does it once more"),
        SMALL.replace("version = 3", "version = 4"),
        SMALL.replace(zeal + warmth, warmth + zeal),
    ]
    assert len({parse_pack(text, "a pack").digest for text in other} - {digest}) == len(other)


WRONG = [
    ("leave = { warmth = 5 }", "leave = { warmth = 25 }", "tier 'warm': leave 25 is not below enter 10.5"),
    ("leave = { warmth = 5 }", "leave = { warmth = 10.5 }", "tier 'warm': leave 10.5 is not below enter 10.5"),
    ("leave = { warmth = 5 }", "leave = { zeal = 5 }", "tier 'warm': it is left by 'zeal', which is not among"),
    ("leave = { warmth = 5 }", "leave = { warmth = 0 }", "tier 'warm': leave.warmth: Input should be greater than 0"),
    ("leave = { warmth = 5 }", "leave = {}", "tier 'warm': leave: Dictionary should have at least 1 item"),
    ("leave = { warmth = 5 }", "", "tier 'warm': leave: Field required"),
    ("enter = { warmth = 10.5 }", "enter = { mood = 10.5 }", "tier 'warm': 'mood' is no axis (there are zeal, warmth)"),
    ("enter = { warmth = 10.5 }", "enter = { warmth = 10.12345 }", "tier 'warm': 10.1235 has more than 4 decimals"),
    (
        "enter = { warmth = 10.5 }",
        'enter = { warmth = "10" }',
        "tier 'warm': enter.warmth: Input should be a valid number",
    ),
    (
        "enter = { warmth = 10.5 }",
        "enter = { warmth = nan }",
        "tier 'warm': enter.warmth: Input should be a finite number",
    ),
    ('name = "zealous"', 'name = "warm"', "tier 'warm': there are 2 of that name"),
    ('name = "zealous"', 'name = "unengaged"', "tier 'unengaged': the name is taken by the rank below all tiers"),
    ('name = "zealous"', 'name = "Zealous!"', "tier 'Zealous!': name: String should match pattern"),
    ('axis = "zeal"', 'axis = "mood"', "tier 'zealous': 'mood' is no axis"),
    ('of = "types"', 'of = "weeks"', "tier 'zealous': distinct.of: Input should be 'types' or 'days'"),
    ("at_least = 2", "at_least = 0", "tier 'zealous': distinct.at_least: Input should be greater than or equal to 1"),
    ("at_least = 2", "at_least = 2.5", "tier 'zealous': distinct.at_least: Input should be a valid integer"),
    ("warmth = 2, zeal", "mood = 2, zeal", "touchpoint 'review': 'mood' is no axis"),
    ("warmth = 2, zeal", "warmth = 0, zeal", "touchpoint 'review': a weight of 0 has no meaning"),
    ("warmth = 2, zeal", "warmth = 0.001, zeal", "touchpoint 'review': 0.001 has more than 2 decimals"),
    (
        "warmth = 2, zeal",
        "warmth = 301, zeal",
        "touchpoint 'review': weights.warmth: Input should be less than or equal to",
    ),
    ('resets = ["zeal"]', 'resets = ["mood"]', "touchpoint 'review': 'mood' is no axis"),
    ("per_day = 2\n", "", "touchpoint 'review': per_object needs per_day"),
    ("per_day = 2", "per_day = 0", "touchpoint 'review': per_day: Input should be greater than or equal to 1"),
    ("per_day = 2", "per_day = true", "touchpoint 'review': per_day: Input should be a valid integer"),
    ("erases = true", "erases = true, zero = true", "touchpoint 'forget': what erases a contact can do nothing else"),
    ("zero = true", "zero = 1", "touchpoint 'goodbye': zero: Input should be a valid boolean"),
    ("zero = true", "per_day = 1", "touchpoint 'goodbye': a cap without weights has no meaning"),
    ("zero = true", "critical = { below = 9, weights = {} }", "touchpoint 'goodbye': critical weights replace weights"),
    ('["*"]', '["*", "sms"]', "touchpoint 'goodbye': withdraws '*' includes the other channels"),
    ('["@", "email"]', '["*"]', "touchpoint 'hello': grants.0: String should match pattern"),
    ('["email", "sms"]', "[]", "permission.channels: List should have at least 1 item"),
    ('["email", "sms"]', '["@"]', "permission.channels.0: String should match pattern"),
    (
        "half_life_days = 10 ",
        "half_life_days = 0 ",
        "axis 'warmth': half_life_days: Input should be greater than or equal",
    ),
    ("half_life_days = 10 ", "half_live_days = 10 ", "axis 'warmth': half_live_days: Extra inputs are not permitted"),
    ("version = 3", 'version = "3"', "version: Input should be a valid integer"),
    ("version = 3", "version = 3\nowner = 1", "owner: Extra inputs are not permitted"),
]


WRONGLY_JUDGING = [
    ("clicks = 4", "clicks = 2", "trust.click_burst.clicks: Input should be greater than or equal to 3"),
    ("clicks = 4", "clicks = 7", "trust.click_burst.clicks: Input should be less than or equal to 6"),
    ("links = 2", "links = 1", "trust.many_links.links: Input should be greater than or equal to 2"),
    ("touchpoints = 120", "touchpoints = 121", "trust.flood.touchpoints: Input should be less than or equal to 120"),
    ("touchpoints = 120", "touchpoints = 4", "trust.flood.touchpoints: Input should be greater than or equal to 5"),
    ("0.0014", "0.0009", "trust.click_burst.within_seconds: Input should be greater than or equal to 0.001"),
    ("3_600", "3_601", "trust.many_links.within_seconds: Input should be less than or equal to 3600"),
    ("2.5", "nan", "trust.too_soon.within_seconds: Input should be a finite number"),
    ("{ within_seconds = 2.5 }", "{}", "trust.too_soon.within_seconds: Field required"),
    ("reverses = true", "reverse = true", "trust.click_burst.reverse: Extra inputs are not permitted"),
    ("suspect = 0.25", "suspect = 1.5", "trust.suspect: Input should be less than or equal to 1"),
    ("suspect = 0.25", "suspect = 0.255", "trust: 0.255 has more than 2 decimals"),
    ("kinds_for_bot = 3", "kinds_for_bot = 5", "trust.kinds_for_bot: Input should be less than or equal to 4"),
    (
        "reversal_seconds = 0.5",
        "reversal_seconds = 61",
        "trust.reversal_seconds: Input should be less than or equal to 60",
    ),
    ("flag = false", "flags = false", "trust.flags: Extra inputs are not permitted"),
    ("till = 0.75", "till = -1", "source 'till': Input should be greater than or equal to 0"),
    ("till = 0.75", "till = 0.755", "source 'till': 0.755 has more than 2 decimals"),
    ("till = 0.75", 'till = "all"', "source 'till': Input should be a valid number"),
    (
        'message = "clicked"',
        'message = "seen"',
        "touchpoint 'mail.clicked': message: Input should be 'delivered', 'opened'",
    ),
    (
        'message = "clicked"',
        'erases = true\nmessage = "opened"',
        "touchpoint 'mail.clicked': what erases a contact can do",
    ),
    (
        'message = "clicked"',
        'revokes = true\nmessage = "opened"',
        "touchpoint 'mail.clicked': what revokes a touchpoint can",
    ),
]


@pytest.mark.parametrize(("good", "bad", "reason"), WRONGLY_JUDGING, ids=[reason for _, _, reason in WRONGLY_JUDGING])
def test_what_is_wrong_with_trust_is_told(good, bad, reason):
    """By member and reason, as of the rest."""
    assert JUDGING.count(good) >= 1
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(JUDGING.replace(good, bad, 1), "my.toml")
    lines = str(caught.value).splitlines()
    assert any(line.startswith(f"my.toml: {reason}") for line in lines), lines


@pytest.mark.parametrize(("good", "bad", "reason"), WRONG, ids=[reason for _, _, reason in WRONG])
def test_a_wrong_pack_is_told_by_member_and_reason(good, bad, reason):
    """The line begins with the file and names what is wrong; exit code 2."""
    assert SMALL.count(good) >= 1
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(SMALL.replace(good, bad, 1), "rule pack my.toml")
    lines = str(caught.value).splitlines()
    assert any(line.startswith(f"rule pack my.toml: {reason}") for line in lines), lines
    assert caught.value.exit_code == ExitCode.WRONG_USE


def test_every_fault_of_shape_has_a_line_of_its_own():
    """So that one look mends all."""
    with pytest.raises(ConfigurationError) as caught:
        parse_pack(SMALL.replace("version = 3", "version = 0").replace("per_day = 2", "per_day = 0"), "it")
    assert len(str(caught.value).splitlines()) == 2


def test_broken_toml_names_the_line():
    """As the parser counts them."""
    with pytest.raises(ConfigurationError, match=r"it: not TOML: .*line 4"):
        parse_pack('name = "x"\nversion = 1\n\n[axes\n', "it")


def test_a_type_given_twice_is_refused():
    """TOML itself forbids it."""
    with pytest.raises(ConfigurationError, match="not TOML"):
        parse_pack(SMALL.replace('"forget"', '"hello"'), "it")


def test_too_many_of_everything():
    """Limits with a number."""
    axes = "".join(f"a{number} = {{ half_life_days = 1 }}\n" for number in range(7))
    with pytest.raises(ConfigurationError, match="axes: Dictionary should have at most 8 items"):
        parse_pack(SMALL.replace("[axes]\n", "[axes]\n" + axes), "it")
    rules = "".join(f'"t{number}" = {{ weights = {{ zeal = {number} }} }}\n' for number in range(1, 101))
    with pytest.raises(ConfigurationError, match="it: the touchpoints have 102 different weightings; 100 is the most"):
        parse_pack(SMALL.replace("[touchpoints]\n", "[touchpoints]\n" + rules), "it")


def test_an_unreadable_file(tmp_path):
    """Absent, a folder, not text, too large: one line that names the file."""
    binary, large = tmp_path / "binary.toml", tmp_path / "large.toml"
    binary.write_bytes(b'name = "x"\n# \xff\n')
    large.write_bytes(b"#" * 1_000_001)
    for path, reason in (
        (tmp_path / "absent.toml", "No such file"),
        (tmp_path, "Is a directory"),
        (binary, "line 2 is not UTF-8"),
        (large, "larger than 1000000 bytes"),
    ):
        with pytest.raises(ConfigurationError, match=reason) as caught:
            load_pack(path)
        assert str(caught.value).startswith(f"rule pack {path}: ")
        assert "\n" not in str(caught.value)


# The numbers of the default pack as SEMANTICS.md lists them: interest, intent, advocacy, per day, per object.
DEFAULT = """
email.delivered
email.bounced
content.liked
email.opened           0.2  -    -   2 1
email.clicked          3    -    -   3 1
email.replied          8    -    -   2 -
push.delivered
push.opened            3    -    -   3 1
sms.delivered
sms.clicked            3    -    -   3 1
form.submitted         8    -    -   2 -
chat.started           8    -    -   2 -
email.unsubscribed
email.complained
page.viewed            1    -    -  10 1
article.read           5    -    -   4 1
video.watched          4    -    -   4 1
poll.answered          4    -    -   2 -
game.played            3    -    -   2 -
newsletter.subscribed  10   -    -   1 -
notification.subscribed 10  -    -   1 -
webinar.attended       15   -    -   1 -
store.visited          8    4    -   1 -
product.viewed         1    1    -   8 1
product.searched       1    3    -   3 -
pricing.viewed         1    5    -   2 -
wishlist.added         -    6    -   3 1
cart.added             1    12   -   3 1
cart.removed           -    -6   -   3 -
checkout.started       1    30   -   1 -
quote.requested        5    40   -   1 -
order.completed        20   -    -   3 -
order.refunded         -10  -    -   3 -
rating.given           2    -    8   2 1
review.posted          5    -    25  2 1
referral.sent          3    -    10  2 -
referral.converted     5    -    50  3 -
content.published      5    -    20  2 1
forum.posted           4    -    8   3 1
answer.accepted        4    -    15  2 1
content.shared         2    -    5   3 1
idea.contributed       5    -    15  2 -
consent.granted
consent.withdrawn
contact.erased
touchpoint.revoked
"""


def test_the_default_pack_has_the_contracts_numbers():
    """Line by line, and nothing else."""
    rules = load_pack(None).rules
    rows = {words[0]: words[1:] for words in map(str.split, DEFAULT.strip().splitlines())}
    assert rules.keys() == rows.keys()
    for type_, row in rows.items():
        numbers = [None if word == "-" else float(word) for word in row] or [None] * 5
        rule = rules[type_]
        weights = [rule.weights.get(axis) for axis in ("interest", "intent", "advocacy")]
        assert [*weights, rule.per_day, rule.per_object] == numbers, type_


def test_the_default_packs_effects():
    """Consent, resets, erasure and the critic's weights."""
    pack = load_pack(None)
    effects = {
        type_: (rule.grants, rule.withdraws, rule.resets, rule.zero, rule.erases) for type_, rule in pack.rules.items()
    }
    plain = ((), (), (), False, False)
    assert {type_: effect for type_, effect in effects.items() if effect != plain} == {
        "email.unsubscribed": ((), ("email",), (), False, False),
        "email.complained": ((), ("*",), (), True, False),
        "newsletter.subscribed": (("email",), (), (), False, False),
        "notification.subscribed": (("push",), (), (), False, False),
        "order.completed": ((), (), ("intent",), False, False),
        "consent.granted": (("@",), (), (), False, False),
        "consent.withdrawn": ((), ("@",), (), False, False),
        "contact.erased": ((), (), (), False, True),
    }
    assert [rule.type for rule in pack.rules.values() if rule.revokes] == ["touchpoint.revoked"]
    critics = {
        type_: (rule.critical_below, rule.critical_weights)
        for type_, rule in pack.rules.items()
        if rule.critical_weights
    }
    assert critics == {"rating.given": (60, {"interest": 2}), "review.posted": (60, {"interest": 5})}


def test_the_default_pack_spells_out_all_that_tells_humans_from_machines():
    """The numbers of SEMANTICS.md; mail, push and text messages have their parts. Nobody's points are mistrusted."""
    pack = load_pack(None)
    assert pack.trust == Trust(
        flag=True,
        honeypot=True,
        crawler=True,
        head_request=True,
        too_soon_ms=2_000,
        click_burst=ClickBurst(3, 1_000, reverses=True),
        many_links=ManyLinks(3, 2_000, reverses=True),
        flood=Flood(30, 60_000),
        suspect=0.5,
        kinds_for_bot=2,
        reversal_ms=10_000,
    )
    assert pack.sources == {}
    assert {rule.type: rule.message for rule in pack.rules.values() if rule.message} == {
        "email.delivered": "delivered",
        "email.opened": "opened",
        "email.clicked": "clicked",
        "push.delivered": "delivered",
        "push.opened": "opened",
        "sms.delivered": "delivered",
        "sms.clicked": "clicked",
    }


def test_the_default_packs_axes_and_tiers():
    """Half-lives, thresholds and distinct conditions."""
    pack = load_pack(None)
    assert pack.axes == (
        Axis("interest", 30 * DAY_MS),
        Axis("intent", 14 * DAY_MS),
        Axis("advocacy", 90 * DAY_MS),
    )
    assert [(tier.name, tier.enter, tier.leave, tier.distinct) for tier in pack.tiers] == [
        ("engaged", {"interest": 19}, {"interest": 13}, Distinct("days", "interest", 2, 30 * DAY_MS)),
        ("engaged-to-buy", {"intent": 38}, {"intent": 27}, Distinct("types", "intent", 2, 14 * DAY_MS)),
        ("engaged-to-influence", {"advocacy": 57, "interest": 9}, {"advocacy": 40}, None),
    ]
    assert (pack.name, pack.version) == ("default", 3)


def test_the_default_pack_is_a_file_to_copy(tmp_path):
    """What `pack_source` gives is TOML that loads as the same pack."""
    source = pack_source(None)
    assert tomllib.loads(source)["name"] == "default"
    copy = tmp_path / "copy.toml"
    copy.write_text(source)
    assert load_pack(copy) == load_pack(None)
