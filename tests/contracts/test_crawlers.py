"""User agents that declare themselves to be machines."""

from __future__ import annotations

import pytest

from palier.contracts import crawlers
from palier.contracts.crawlers import LONGEST_LOOKED_AT, is_declared_crawler

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1"


@pytest.mark.parametrize(
    "user_agent", [GOOGLE, "curl/8.14.1", "GoogleImageProxy", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"]
)
def test_the_list_names_crawlers(user_agent):
    """Those that say what they are; the proxies of mail programs are among them, whoever reads."""
    assert is_declared_crawler(user_agent)


@pytest.mark.parametrize("user_agent", ["", "x", FIREFOX, IPHONE, "googlebot/2.1"])
def test_everybody_else_is_none(user_agent):
    """Browsers of people, nothing, and what is spelled otherwise than the list spells it."""
    assert not is_declared_crawler(user_agent)


def test_only_the_beginning_is_looked_at():
    """Of a user agent of a megabyte as much as of one of half a kilobyte, and no more is kept of it."""
    assert is_declared_crawler("x" * (LONGEST_LOOKED_AT - 13) + "Googlebot/2.1")
    assert not is_declared_crawler("x" * LONGEST_LOOKED_AT + "Googlebot/2.1")
    crawlers._is_listed.cache_clear()
    for length in (600, 700, 1_000_000):
        assert not is_declared_crawler("y" * length)
    assert crawlers._is_listed.cache_info().currsize == 1
