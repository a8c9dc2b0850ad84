"""The idiomatic Faust agent, as a process: what a competent Faust user would write from its documentation.

JSON records as models, a table with a model per contact, scores with the weights and half-lives of the same rule pack,
tiers by its thresholds, an event sent for each change; at least once, memory store. It leaves out much that Palier
does: duplicates, late touchpoints, caps, resets, consent, distinct days, reasons.

`python -m benchmarks.faust_agent APP_ID BROKERS TOPIC PARTITIONS DATA_DIR` prints lines "progress MOMENT COUNT".
"""

from __future__ import annotations

import sys
import time
from datetime import datetime  # noqa: TC003 - Faust reads the annotations

import faust

from palier.packs import load_pack

PRINT_EVERY = 500


class Touchpoint(faust.Record, serializer="json", isodates=True):
    id: str
    source: str
    type: str
    channel: str
    contact_id: str
    occurred_at: datetime
    object_id: str = None
    campaign_id: str = None
    rating: int = None
    bot: bool = False


class Contact(faust.Record, serializer="json"):
    scores: dict[str, float] = {}  # noqa: RUF012 - Faust copies defaults
    as_of: float = 0.0  # seconds since the epoch
    tiers: list[str] = []  # noqa: RUF012


class TierChange(faust.Record, serializer="json"):
    contact_id: str
    tiers: list[str]
    scores: dict[str, float]
    occurred_at: float
    touchpoint_id: str


def create_app(app_id: str, brokers: str, topic: str, partitions: int, data_dir: str) -> faust.App:
    """A Faust app with one agent and one table."""
    pack = load_pack(None)
    half_lives = {axis.name: axis.half_life_ms / 1000 for axis in pack.axes}
    app = faust.App(
        app_id,
        broker=f"kafka://{brokers}",
        store="memory://",
        topic_partitions=partitions,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=5_000,
        stream_buffer_maxsize=16_384,
        web_enabled=False,
        datadir=data_dir,
    )
    touchpoints = app.topic(topic, key_type=str, value_type=Touchpoint)
    tier_changes = app.topic(f"{app_id}-tier-changes", key_type=str, value_type=TierChange, partitions=partitions)
    contacts = app.Table("contacts", default=Contact, value_type=Contact, partitions=partitions)
    done = 0

    def tiers_of(contact: Contact) -> list[str]:
        return [
            tier.name
            for tier in pack.tiers
            if all(
                contact.scores.get(axis, 0.0) >= limit
                for axis, limit in (tier.leave if tier.name in contact.tiers else tier.enter).items()
            )
        ]

    @app.agent(touchpoints)
    async def engage(stream: faust.Stream[Touchpoint]) -> None:
        nonlocal done
        async for touchpoint in stream:
            contact = contacts[touchpoint.contact_id]
            moment = max(contact.as_of, touchpoint.occurred_at.timestamp())
            scores = {
                axis: score * 2 ** ((contact.as_of - moment) / half_lives[axis])
                for axis, score in contact.scores.items()
            }
            rule = pack.rules.get(touchpoint.type)
            if rule is not None and not touchpoint.bot:
                critical = touchpoint.rating is not None and touchpoint.rating < (rule.critical_below or 0)
                for axis, points in (rule.critical_weights if critical else rule.weights).items():
                    scores[axis] = max(0.0, scores.get(axis, 0.0) + points)
            contact = Contact(scores, moment, contact.tiers)
            tiers = tiers_of(contact)
            if tiers != contact.tiers:
                contact.tiers = tiers
                await tier_changes.send(
                    key=touchpoint.contact_id,
                    value=TierChange(touchpoint.contact_id, tiers, scores, moment, touchpoint.id),
                )
            contacts[touchpoint.contact_id] = contact
            done += 1
            if done % PRINT_EVERY == 0:
                print("progress", time.time(), done, flush=True)

    return app


if __name__ == "__main__":
    app_id, brokers, topic, partitions, data_dir = sys.argv[1:]
    worker = faust.Worker(
        create_app(app_id, brokers, topic, int(partitions), data_dir),
        loglevel="WARN",
        redirect_stdouts=False,
        quiet=True,
    )
    worker.execute_from_commandline()
