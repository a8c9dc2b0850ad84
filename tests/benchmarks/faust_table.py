"""A stock Faust table as a process: recovers its changelog into memory, says so, and ends.

Keys and values stay bytes, so Faust decodes nothing: it does less than for any table of models.

`python -m benchmarks.faust_table APP_ID BROKERS PARTITIONS DATA_DIR` prints "assigned MOMENT" and, once all is recovered,
"recovered MOMENT KEYS".
"""

from __future__ import annotations

import os
import sys
import time

import faust

TABLE = "contacts"


def create_app(app_id: str, brokers: str, partitions: int, data_dir: str) -> faust.App:
    """A Faust app with one table, and an agent so that it has partitions to own."""
    app = faust.App(
        app_id,
        broker=f"kafka://{brokers}",
        store="memory://",
        topic_partitions=partitions,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=20_000,
        web_enabled=False,
        datadir=data_dir,
    )
    table = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=partitions)
    source = app.topic(f"{app_id}-source", key_type=bytes, value_type=bytes, partitions=partitions, internal=True)

    async def keep(stream: faust.Stream) -> None:
        async for key, value in stream.items():
            table[key] = value

    app.agent(source)(keep)

    async def assigned(*_: object, **__: object) -> None:
        print("assigned", time.time(), flush=True)

    async def recovered() -> None:
        print("recovered", time.time(), len(table), flush=True)
        os._exit(0)

    app.on_partitions_assigned.connect(assigned, weak=False)
    table.on_recover(recovered)
    return app


if __name__ == "__main__":
    app_id, brokers, partitions, data_dir = sys.argv[1:]
    app = create_app(app_id, brokers, int(partitions), data_dir)
    faust.Worker(app, loglevel="WARN", redirect_stdouts=False, quiet=True).execute_from_commandline()
