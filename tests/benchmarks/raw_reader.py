"""The floor, as a process: reads the touchpoints with aiokafka and does nothing with them.

`python -m benchmarks.raw_reader BROKERS TOPIC PARTITIONS COUNT` prints lines "progress MOMENT COUNT".
"""

from __future__ import annotations

import asyncio
import sys
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

MOST_RECORDS = 20_000  # what Palier asks for as well
FETCH_BYTES = 4 << 20


async def read(brokers: str, topic: str, partitions: int, count: int) -> None:
    """Read `count` records."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=brokers, auto_offset_reset="earliest", max_partition_fetch_bytes=FETCH_BYTES
    )
    await consumer.start()
    consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
    done = 0
    while done < count:
        batches = await consumer.getmany(timeout_ms=1_000, max_records=MOST_RECORDS)
        done += sum(map(len, batches.values()))
        print("progress", time.time(), done, flush=True)
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
