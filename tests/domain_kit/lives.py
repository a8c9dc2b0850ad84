"""Random lives for Hypothesis: what a contact does, in order of arrival."""

from __future__ import annotations

from hypothesis import strategies as st

from domain_kit.contact import DEFAULT, START
from palier.domain.limits import DAY_MS, HOUR_MS, MINUTE_MS
from palier.domain.touchpoint import Touchpoint

TYPES = (*sorted(DEFAULT.rules), "never.heard.of")
STEPS = (0, 1, MINUTE_MS, 5 * MINUTE_MS, HOUR_MS, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 20 * DAY_MS, 90 * DAY_MS)
DELAYS = (0, 0, 0, 0, 1, HOUR_MS, DAY_MS, 7 * DAY_MS, 7 * DAY_MS + 1, 30 * DAY_MS)
# What moves tiers comes more often than one in forty.
OFTEN = ("article.read", "quote.requested", "product.searched", "cart.added", "referral.converted", "review.posted")
OFTEN += ("consent.granted", "webinar.attended", "order.completed")


@st.composite
def lives(draw: st.DrawFn, types: tuple[str, ...] = (*TYPES, *OFTEN * 3), most: int = 60) -> list[Touchpoint]:
    """Touchpoints of one contact in order of arrival: some late, some twice, some by bots."""
    clock, life = START + draw(st.integers(0, DAY_MS)), []
    for number in range(draw(st.integers(1, most))):
        if life and draw(st.integers(0, 19)) == 0:
            life.append(draw(st.sampled_from(life)))
            continue
        clock += draw(st.sampled_from(STEPS))
        life.append(
            Touchpoint(
                id=f"t{number}",
                source=draw(st.sampled_from(("shop", "mailer"))),
                type=draw(st.sampled_from(types)),
                channel=draw(st.sampled_from(("email", "web", "sms"))),
                contact_id="ada",
                occurred_at=clock - draw(st.sampled_from(DELAYS)),
                object_id=draw(st.sampled_from((None, "a", "b"))),
                campaign_id=draw(st.sampled_from((None, "spring"))),
                rating=draw(st.sampled_from((None, 20, 80))),
                bot=draw(st.integers(0, 9)) == 0,
            )
        )
    return life
