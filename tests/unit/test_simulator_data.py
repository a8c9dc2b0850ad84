"""Personas, journeys, campaigns and rhythms: the data hang together and look like life."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from palier.packs import load_pack
from palier_simulator.campaigns import CAMPAIGNS
from palier_simulator.chance import Weighted, exponential
from palier_simulator.encoding import rfc3339, uuid4
from palier_simulator.journeys import JOURNEYS
from palier_simulator.personas import BOT, CRITIC, FAN, GHOST, PERSONAS, READER, SHOPPER
from palier_simulator.rhythm import COMMUTER, DAY_MS, HOUR_MS, NIGHT_OWL, ROUND_THE_CLOCK, Rhythm
from palier_simulator.sources import APP, TILL, WEB

MONDAY_MS = 1_767_571_200_000  # 2026-01-05T00:00Z


def test_the_six_personas():
    """Readers, shoppers, fans, critics, ghosts and bots; only bots are bots."""
    assert [persona.name for persona in PERSONAS] == ["reader", "shopper", "fan", "critic", "ghost", "bot"]
    assert [persona for persona in PERSONAS if persona.bot] == [BOT]


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_a_persona_hangs_together(persona):
    """Its journeys exist, its phases lead to phases it has, and every one of them can be reached."""
    assert set(persona.first) | set(persona.journeys) <= set(JOURNEYS)
    reached = {next(iter(persona.phases))}
    for _ in persona.phases:
        reached |= {then for phase in reached for then in persona.phases[phase].then}
    assert reached == set(persona.phases)
    assert all(phase.visits > 0 and phase.days > 0 for phase in persona.phases.values())
    assert all(0 <= rating <= 100 for rating in persona.ratings)


def test_personas_differ_as_their_names_say():
    """Critics rate below the pack's critical limit and fans above; shoppers buy more than readers; ghosts hardly come."""
    critical = load_pack(None).rules["review.posted"].critical_below
    assert max(CRITIC.ratings) < critical <= min(FAN.ratings)
    assert SHOPPER.journeys["shop"] > READER.journeys.get("shop", 0)
    busiest = {persona.name: max(phase.visits for phase in persona.phases.values()) for persona in PERSONAS}
    assert busiest[GHOST.name] == min(busiest.values())


def test_campaigns_address_what_exists():
    """Their personas, phases and journeys exist, and their names differ."""
    names = {persona.name for persona in PERSONAS}
    phases = {phase for persona in PERSONAS for phase in persona.phases}
    for campaign in CAMPAIGNS:
        assert campaign.personas <= names
        assert campaign.phases <= phases
        assert set(campaign.leads_to) <= set(JOURNEYS)
        assert campaign.channel in {"email", "push"}
    assert len({campaign.name for campaign in CAMPAIGNS}) == len(CAMPAIGNS)


def test_a_campaign_is_launched_on_its_day():
    """The weekly letter goes out every Tuesday and on no other day."""
    weekly = next(campaign for campaign in CAMPAIGNS if campaign.name == "weekly-letter")
    monday = MONDAY_MS // DAY_MS
    assert [weekly.launched_on(monday + day) for day in range(8)] == [False, True, *[False] * 6]


def test_every_journey_is_used():
    """No journey is dead data."""
    used = {name for persona in PERSONAS for name in (*persona.first, *persona.journeys)}
    used |= {name for campaign in CAMPAIGNS for name in campaign.leads_to}
    assert used == set(JOURNEYS)


class TestRhythm:
    """Activity follows the hours."""

    def test_averages_to_real_time_over_a_week(self):
        """Seven active days are a week, whatever the moment."""
        for rhythm in (COMMUTER, NIGHT_OWL, ROUND_THE_CLOCK):
            moment = MONDAY_MS + 3 * DAY_MS + 12_345_678
            assert abs(rhythm.later(moment, 7.0) - moment - 7 * DAY_MS) <= 2

    def test_flat_rhythm_is_real_time(self):
        """Round the clock, active time is time."""
        assert abs(ROUND_THE_CLOCK.later(MONDAY_MS + 999, 1.75) - (MONDAY_MS + 999) - 1.75 * DAY_MS) <= 2

    def test_never_goes_back(self):
        """A later active moment is a later moment."""
        moment, draws = MONDAY_MS, random.Random(3)
        for _ in range(2_000):
            later = COMMUTER.later(moment, exponential(draws.random(), 0.3))
            assert later >= moment
            moment = later

    def test_commuters_sleep_and_owls_do_not(self):
        """A Poisson process in active time visits the busy hours of the rhythm."""

        def night_share(rhythm: Rhythm) -> float:
            moment, draws, hours = MONDAY_MS, random.Random(4), Counter()
            for _ in range(5_000):
                moment = rhythm.later(moment, exponential(draws.random(), 0.2))
                hours[moment // HOUR_MS % 24] += 1
            return sum(hours[hour] for hour in (22, 23, 0, 1, 2, 3, 4, 5)) / 5_000

        assert night_share(COMMUTER) < 0.15
        assert night_share(NIGHT_OWL) > 0.25

    @pytest.mark.parametrize("weekday", [[1.0] * 23, [0.0] + [1.0] * 23])
    def test_needs_24_positive_weights(self, weekday):
        """An hour without any activity could never be left."""
        with pytest.raises(ValueError, match="24 positive weights"):
            Rhythm(weekday, [1.0] * 24)


class TestSources:
    """When a touchpoint reaches us."""

    @pytest.mark.parametrize("source", [WEB, APP, TILL])
    def test_never_before_it_happened(self, source):
        """Whatever the draw, arrival is not before the touchpoint."""
        for step in range(1_000):
            assert source.arrival(MONDAY_MS + step, 0, step / 1_000) >= MONDAY_MS + step

    def test_tills_upload_in_the_local_night(self):
        """A visit at noon in Paris is handed in between 2 and 3 in the Paris night; one at 1 at night, the same night."""
        noon, one_at_night = MONDAY_MS + 11 * HOUR_MS, MONDAY_MS
        for moment, upload in ((noon, MONDAY_MS + 25 * HOUR_MS), (one_at_night, MONDAY_MS + HOUR_MS)):
            assert upload <= TILL.arrival(moment, HOUR_MS, 0.5) < upload + HOUR_MS

    def test_forgotten_ones_come_a_week_later(self):
        """The lowest draws are the phone in the drawer: later than the platform's limit for lateness."""
        assert TILL.arrival(MONDAY_MS, 0, TILL.forgotten / 2) - MONDAY_MS > 7 * DAY_MS


def test_weighted_choice():
    """Each option gets its share of [0, 1), the last one up to the edge."""
    choice = Weighted({"rare": 1, "never": 0, "often": 3})
    assert [choice.pick(u) for u in (0.0, 0.2499, 0.25, 1 - 2**-53)] == ["rare", "rare", "often", "often"]


def test_moments_as_text():
    """UTC is written with Z, local time with its offset; both name the same moment."""
    assert rfc3339(MONDAY_MS + 3_723_045) == "2026-01-05T01:02:03.045Z"
    assert rfc3339(MONDAY_MS, 5 * HOUR_MS + HOUR_MS // 2) == "2026-01-05T05:30:00.000+05:30"
    assert rfc3339(MONDAY_MS, -3 * HOUR_MS) == "2026-01-04T21:00:00.000-03:00"


def test_uuid_from_bits():
    """128 bits become a UUID of version 4, whatever they are."""
    assert uuid4(0) == "00000000-0000-4000-8000-000000000000"
    assert uuid4(2**128 - 1) == "ffffffff-ffff-4fff-bfff-ffffffffffff"
