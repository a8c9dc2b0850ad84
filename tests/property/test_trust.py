"""Trust, beside the plainest way to say it: whole lists of what arrived, and every span looked at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from domain_kit.contact import START, Contact
from domain_kit.mail import GENTLE, TRUST, mail_pack
from palier.domain.limits import DAY_MS, HOUR_MS, LATENESS_MS
from palier.domain.touchpoint import Touchpoint

TYPES = ("mail.sent", "mail.opened", "mail.clicked", "mail.clicked.capped")
STEPS = (0, 1, 499, 500, 501, 999, 1000, 1001, 1999, 2000, 2001, 9_999, 10_000, 10_001, HOUR_MS, DAY_MS, LATENESS_MS)


@dataclass
class Message:
    """Everything that happened to it since it joined."""

    name: str
    deliveries: list[int] = field(default_factory=list)
    convictions: list[int] = field(default_factory=list)
    opens_and_clicks: list[tuple[int, bool, str | None]] = field(default_factory=list)

    @property
    def newest(self) -> int:
        return max(*self.deliveries, *self.convictions[-1:], *(t for t, _, _ in self.opens_and_clicks[-6:]), -1, -1)


@st.composite
def mailings(draw: st.DrawFn) -> list[Touchpoint]:
    """Messages sent, opened and clicked by humans and scanners, a little out of order, for hours and weeks."""
    clock, life = START, []
    for number in range(draw(st.integers(1, 60))):
        clock += draw(st.sampled_from(STEPS))
        link = draw(st.sampled_from((None, "a", "b", "c", "d")))
        properties = {"link": link, "honeypot": draw(st.integers(0, 19)) == 0} if link else None
        life.append(
            Touchpoint(
                id=f"t{number}",
                source="mailer",
                type=draw(st.sampled_from(TYPES)),
                channel="email",
                contact_id="ada",
                occurred_at=clock - draw(st.sampled_from((0, 0, 0, *STEPS))),
                object_id=draw(st.sampled_from(("m0", "m0", "m0", *(f"m{number}" for number in range(11))))),
                properties=properties,
            )
        )
    return life


@given(mailings(), st.sampled_from((TRUST, GENTLE, replace(TRUST, kinds_for_bot=3), replace(TRUST, flood=None))))
def test_evidence_is_as_if_everything_were_remembered(life, trust):
    """Bursts, links, haste and convictions: of the eight messages and six opens and clicks that the contract names."""
    ada, messages, as_of = Contact(mail_pack(trust), stored=True), [], -1
    for touchpoint in life:
        t = touchpoint.occurred_at
        late, as_of = t < as_of - LATENESS_MS, max(as_of, t)
        found = next((message for message in messages if message.name == touchpoint.object_id), None)
        expected = [] if late or found is None else memory_of(found, touchpoint, trust)
        if touchpoint.properties and touchpoint.properties["honeypot"]:
            expected.insert(0, "honeypot")
        outcome = ada.arrives(touchpoint)
        assert [kind for kind in outcome.evidence if kind != "flood"] == expected
        if late:
            continue
        if found is None:
            found = Message(touchpoint.object_id)
            messages.append(found)
        if touchpoint.type == "mail.sent":
            found.deliveries.append(t)
        else:
            link = (touchpoint.properties or {}).get("link")
            found.opens_and_clicks.append((t, touchpoint.type != "mail.opened", link))
            convicting = {"honeypot", *(("click-burst", "many-links") if trust.click_burst.reverses else ())}
            if convicting.intersection(expected):
                found.convictions.append(t)
        messages = [message for message in messages if message.newest >= as_of - LATENESS_MS][-8:]
    assert len(ada.state.messages) == len(messages)


def memory_of(message: Message, touchpoint: Touchpoint, trust) -> list[str]:
    t, found = touchpoint.occurred_at, []
    if touchpoint.type == "mail.sent":
        return []
    if message.convictions and abs(t - message.convictions[-1]) <= 10_000:
        found.append("convicted")
    if touchpoint.type != "mail.opened":
        clicks = [(at, link) for at, is_click, link in message.opens_and_clicks[-6:] if is_click]
        clicks.append((t, (touchpoint.properties or {}).get("link")))
        spans = [(start, start + span) for span in (1_000, 2_000) for start in range(t - span, t + 1)]
        starts = {at for at, _ in clicks}
        spans = [(start, end) for start, end in spans if start in starts]
        if any(end - start == 1_000 and sum(start <= at <= end for at, _ in clicks) >= 3 for start, end in spans):
            found.append("click-burst")
        own = clicks[-1][1]
        if own and any(
            end - start == 2_000 and len({link for at, link in clicks if link and start <= at <= end}) >= 3
            for start, end in spans
        ):
            found.append("many-links")
    if message.deliveries and 0 <= t - max(message.deliveries) < 2_000:
        found.append("too-soon")
    return found


ARRIVALS = st.lists(st.tuples(st.sampled_from((0, 0, 0, 1, 1_000, 2_069, 59_999, 60_000, HOUR_MS, 2**31, 2**32)), st.sampled_from((0, 0, 0, 1, 30_000, 59_999, 60_000, 7 * DAY_MS))), min_size=20, max_size=90)  # fmt: skip


@given(ARRIVALS, st.integers(5, 34))
def test_a_flood_is_as_by_an_exact_list(arrivals, count):
    """Beside a plain list of every touchpoint that is remembered, after jumps of weeks as well."""
    flood = replace(TRUST.flood, touchpoints=count)
    ada, remembered, as_of = Contact(mail_pack(replace(TRUST, flood=flood)), stored=True), [], -1
    clock = START
    for number, (step, delay) in enumerate(arrivals):
        clock += step
        t = clock - delay
        outcome = ada.arrives(Touchpoint(f"t{number}", "shop", "warm.1", "web", "ada", t))
        latest = remembered[-count:]
        is_flood = len(latest) == count and all(abs(at - t) < 60_000 for at in latest)
        late = t < as_of - LATENESS_MS
        assert outcome.evidence == (("flood",) if is_flood and not late else ())
        as_of = max(as_of, t)
        if not late:
            remembered.append(t)
        remembered = [at for at in remembered if at >= as_of - LATENESS_MS][-128:]
