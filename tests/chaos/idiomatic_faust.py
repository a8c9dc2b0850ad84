"""What a good user of Faust would write: one agent, one table, a tier change sent for each change, Faust's own guarantees.

The decisions are the product's own fold, so that only what Faust does around it can differ. It makes the tier changes and
leaves the rest out (dead letters, tier-current, silence).

`PALIER_... python -m chaos.idiomatic_faust FOLDER GUARANTEE`: one worker; settings as the product's, GUARANTEE as Faust's.
"""

from __future__ import annotations

import sys
from pathlib import Path

import faust

from palier.contracts.contact_state import decode_state, encode_state
from palier.contracts.decoding import decode_touchpoint
from palier.contracts.refusal import Refusal
from palier.contracts.tier_change import tier_change_record
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.packs import load_pack
from palier.settings import load_settings


def create_app(settings, folder, guarantee):
    """A Faust app with one agent and one table."""
    pack = load_pack(settings.pack)
    app = faust.App(
        settings.application,
        broker=[f"kafka://{broker}" for broker in settings.brokers.split(",")],
        processing_guarantee=guarantee,
        store="memory://",
        datadir=folder,
        topic_partitions=settings.partitions,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 4,
        stream_recovery_delay=0.0,
        web_enabled=False,
    )
    raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    touchpoints = app.topic(f"{settings.topic_prefix}{settings.touchpoints_topic}", **raw)
    tier_changes = app.topic(f"{settings.topic_prefix}{settings.tier_changes_topic}", **raw)
    contacts = app.Table("contacts", key_type=bytes, value_type=bytes, partitions=settings.partitions)
    newest = 0

    @app.agent(touchpoints)
    async def engage(stream):
        nonlocal newest
        async for event in stream.events():
            message = event.message
            headers = list(message.headers.items()) if isinstance(message.headers, dict) else message.headers or []
            touchpoint = decode_touchpoint(event.value, event.key, int(message.timestamp * 1_000), headers)
            if isinstance(touchpoint, Refusal):
                continue
            newest = max(newest, touchpoint.occurred_at)
            encoded = contacts.get(event.key)
            state = ContactState.new() if encoded is None else decode_state(encoded)
            for change in fold(state, touchpoint, pack).changes:
                record = tier_change_record(change, pack, newest, settings.application)
                await tier_changes.send(key=record.key, value=record.value, headers=dict(record.headers))
            contacts[event.key] = encode_state(state)

    return app


if __name__ == "__main__":
    folder, guarantee = sys.argv[1:]
    worker = faust.Worker(
        create_app(load_settings(), Path(folder) / "faust", guarantee),
        loglevel="WARN",
        redirect_stdouts=False,
        quiet=True,
    )
    worker.execute_from_commandline()
