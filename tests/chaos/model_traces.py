"""Proves the fake log: its calls repeated on a real broker, where everything has to come out in the same way.

In tests/:  python -m chaos.model_traces --traces 200 [--seed 1] [--ledger FILE]

Compared: which calls are refused and with which error, the offset of each record, last stable offset and high watermark
after every call, and in the end what read_committed and read_uncommitted readers see. (What is below the last stable offset
is decided for ever, so what a reader sees in between follows from both.) Not repeated, because no broker does it on demand:
lost and late markers, compaction. Every fourth trace has transactions that time out, on a broker that looks for them often.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.ledger import Entry, append
from engine_kit.fake_worker import TOPICS
from engine_kit.judge import read_all
from engine_kit.real_log import RealLog
from engine_kit.traces import trace_of_calls, trace_of_history
from palier.kafka.local import LocalKafka

AT_ONCE = 16
LOOKS_OFTEN = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "200"}


def traces(count, first_seed, *, time_outs):
    """Half of them of histories, half of calls that no sensible client makes."""
    return [
        trace_of_calls(seed) if seed % 2 else trace_of_history(seed, time_outs=time_outs and seed % 4 == 0)
        for seed in range(first_seed, first_seed + count)
    ]


def repeat(brokers, chosen):
    """Differences between the fake and the broker, as lines. Each trace has a partition number of its own."""
    name = f"model-{uuid.uuid4().hex[:8]}"
    topics = {topic: f"{name}-{topic}" for topic in TOPICS}
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    for made in admin.create_topics([NewTopic(topic, len(chosen), 1) for topic in topics.values()]).values():
        made.result()
    try:
        differences = asyncio.run(_repeat_calls(brokers, chosen, topics, name))
        for topic, real_topic in topics.items():
            differences += _compare_readers(brokers, chosen, topic, real_topic)
    finally:
        for deleted in admin.delete_topics(list(topics.values())).values():
            deleted.result()
    return differences


async def _repeat_calls(brokers, chosen, topics, name):
    client = AIOKafkaClient(bootstrap_servers=brokers)
    await client.bootstrap()
    try:
        for topic in topics.values():
            await client.add_topic(topic)
        while any(
            len(client.cluster.available_partitions_for_topic(topic) or ()) < len(chosen) for topic in topics.values()
        ):
            await client.force_metadata_update()
            await asyncio.sleep(0.1)
        turn = asyncio.Semaphore(AT_ONCE)

        async def differences(partition, trace):
            async with turn:
                return await RealLog(client, topics, partition, f"{name}-{partition}").differences(trace)

        found = await asyncio.gather(*(differences(partition, trace) for partition, trace in enumerate(chosen)))
        return [line for lines in found for line in lines]
    finally:
        await client.close()


def _compare_readers(brokers, chosen, topic, real_topic):
    """What both kinds of readers see in the end."""
    committed = read_all(brokers, real_topic, len(chosen), "read_committed")
    written = read_all(brokers, real_topic, len(chosen), "read_uncommitted")
    differences = []
    for partition, trace in enumerate(chosen):
        fake = trace.log.partitions[topic]
        everything = [(at, entry) for at, entry in enumerate(fake.entries) if not entry.is_marker]
        for isolation, expected, messages in (
            ("read_committed", fake.committed(), committed[partition]),
            ("read_uncommitted", everything, written[partition]),
        ):
            seen = [(message.offset(), message.key(), message.value()) for message in messages]
            if seen != [(offset, entry.key, entry.value) for offset, entry in expected]:
                differences.append(f"{trace.name}, {topic}: a {isolation} reader sees {seen}, the fake has {expected}")
    return differences


def figures(chosen):
    """What the traces hold: calls by name and error."""
    return Counter(
        f"{call.name}{f': error {call.error}' if call.error else ''}" for trace in chosen for call in trace.calls
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ledger", type=Path, help="append a line of JSON")
    options = parser.parse_args()
    entry = Entry("model traces", options.seed, began=datetime.now(UTC).isoformat(timespec="seconds"))
    chosen, began = traces(options.traces, options.seed, time_outs=True), time.monotonic()
    with tempfile.TemporaryDirectory() as folder, LocalKafka(Path(folder), properties=LOOKS_OFTEN) as kafka:
        entry.faults = repeat(kafka.brokers, chosen)
    met = figures(chosen)
    entry.seconds, entry.happened = round(time.monotonic() - began, 1), dict(sorted(met.items()))
    entry.rounds = [trace.name for trace in chosen]
    print("\n".join([*(f"{count:>9} {what}" for what, count in sorted(met.items())), *entry.faults[:20]]))
    print(f"{len(chosen)} traces, {sum(met.values())} calls in {entry.seconds} s: {len(entry.faults)} differences")
    if options.ledger:
        append(options.ledger, entry)
    return 1 if entry.faults else 0


if __name__ == "__main__":
    sys.exit(main())
