"""Tier changes, spans and points in words."""

from __future__ import annotations

from typing import Any

import pytest

from palier.domain.outcome import Reason, TierChange
from palier_cli import wording

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def reason(type_: str, worth: float, axis: str = "intent") -> Reason:
    return Reason("t", "test", type_, "web", None, None, axis, worth, worth, 0)


def change(cause: str, gained: tuple[str, ...] = (), lost: tuple[str, ...] = (), **members: Any) -> TierChange:
    values: dict[str, Any] = {
        "contact_id": "ada",
        "sequence": 1,
        "from_tier": "engaged",
        "to_tier": "engaged-to-buy",
        "direction": "up",
        "occurred_at": 0,
        "touchpoint_id": None,
        "touchpoint_source": None,
        "held": (),
        "channels": (),
        "scores": {},
        "thresholds": {},
        "reasons": (),
        "since": 0,
    }
    return TierChange(**{**values, "cause": cause, "gained": gained, "lost": lost, **members})


BUY = {"engaged-to-buy": {"intent": 38.0}}
LEAVE = {"engaged-to-buy": {"intent": 27.0}}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (
            change(
                "touchpoint",
                gained=("engaged-to-buy",),
                thresholds=BUY,
                reasons=(reason("checkout.started", 30), reason("cart.added", 11.96), reason("cart.added", 6)),
            ),
            "because checkout.started +30, cart.added x2 +18",
        ),
        (
            # One touchpoint may lose a tier and gain another: only the axes of what was gained are its reason.
            change(
                "touchpoint",
                gained=("engaged-to-buy",),
                lost=("engaged",),
                thresholds={**BUY, "engaged": {"interest": 13.0}},
                reasons=(reason("article.read", 50, "interest"), reason("checkout.started", 30)),
            ),
            "because checkout.started +30",
        ),
        (
            change("touchpoint", lost=("engaged-to-buy",), thresholds=LEAVE, scores={"intent": 26.4999}),
            "intent down to 26.4",
        ),
        (
            change("inactivity", lost=("engaged-to-buy",), thresholds=LEAVE, scores={"intent": 26.9999}),
            "silent too long: intent down to 27",
        ),
        (change("conversion", lost=("engaged-to-buy",), thresholds=LEAVE), "converted: intent fulfilled"),
        (change("permission", gained=("engaged",), channels=("email", "sms")), "permission given: email, sms"),
        (change("permission", lost=("engaged",)), "permission withdrawn"),
        (change("erasure", lost=("engaged",)), "erased on request"),
        (change("pack", lost=("engaged",)), "by a newer rule pack"),
        (
            change("reversal", lost=("engaged-to-buy",), thresholds=BUY, scores={"intent": 35.0}),
            "taken back, a machine did it or it was revoked: intent down to 35",
        ),
        (change("reversal", gained=("engaged-to-buy",), thresholds=BUY), "taken back what had cost points"),
        (change("pack", gained=("engaged",), thresholds=BUY), "by a newer rule pack"),
    ],
)
def test_each_cause_has_its_words(seen: TierChange, words: str) -> None:
    """A marketer reads the reason without knowing the event's members."""
    assert wording.because(seen) == words


def test_a_lateral_change_tells_what_came_and_went_beside_the_headline() -> None:
    """From and to are the same then and would say nothing."""
    lateral = change(
        "touchpoint", gained=("engaged-to-buy",), lost=("engaged",), direction="lateral", to_tier="engaged-to-influence"
    )
    assert wording.steps(lateral) == "engaged-to-influence (+engaged-to-buy -engaged)"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (19.0, "19"), (18.9999, "18.9"), (8.2, "8.2"), (4.1, "4.1"), (117.2871, "117.2")]
)
def test_points_never_read_as_reached_when_they_are_not(value: float, text: str) -> None:
    """Rounded down to one decimal, whatever binary fractions make of it."""
    assert wording.points(value) == text


@pytest.mark.parametrize(
    ("span_ms", "text"),
    [
        (0, "less than a minute"),
        (MINUTE, "1 minute"),
        (HOUR - 1, "59 minutes"),
        (HOUR, "1 hour"),
        (DAY - 1, "23 hours"),
        (9 * DAY + 23 * HOUR, "9 days"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(span_ms: int, text: str) -> None:
    """Rounded down: nobody is promised a day that is not there."""
    assert wording.duration(span_ms) == text
