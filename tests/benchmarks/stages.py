"""What each stage of the hot path costs, in one process, without Kafka.

    PYTHONPATH=tests python -m benchmarks.stages --touchpoints 100000

The same touchpoints as in `benchmarks.throughput` go through the same functions as in the worker, one stage at a time
for each checkpoint's worth of touchpoints, so that a stage is timed without a clock inside its loop. CPU time, so that
a busy machine disturbs little. The last row is the worker's own walk over all of them: its processor with the engine's
partition; what it needs above the sum of the stages is bookkeeping.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from benchmarks.report import machine
from benchmarks.workload import arrivals
from palier.contracts.contact_state import decode_state, encode_state
from palier.contracts.decoding import decode_touchpoint
from palier.contracts.tier_change import tier_change_record
from palier.contracts.tier_current import tier_current_record
from palier.domain.demotion import next_demotion_at
from palier.domain.fold import fold
from palier.domain.state import ContactState
from palier.engine.partition import Partition
from palier.engine.partition_copy import PartitionCopy
from palier.packs import load_pack
from palier.settings import Settings
from palier_tiers.processor import TouchpointProcessor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from palier.contracts.records import OutRecord
    from palier.domain.outcome import TierChange
    from palier.domain.pack import RulePack
    from palier.domain.touchpoint import Touchpoint

WARM_UP: Final = 0.1
SLICE: Final = 1_000  # records in a batch that the engine hands over
BATCH_BYTES: Final = 900_000
DECODE, LOAD, FOLD, DUE, ENCODE, OUTPUTS, BATCH, WALK = (
    "decode the record",
    "load the state",
    "fold",
    "find the next demotion",
    "encode the state",
    "encode tier changes and current tiers",
    "build and compress changelog batches",
    "the worker's walk: all but the batches",
)


class Record(NamedTuple):
    """A record as the Kafka client hands it over."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[()] = ()


@dataclass
class Costs:
    """CPU seconds and calls by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    touchpoints: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the CPU time of its body."""
        started = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - started

    def called(self, name: str, times: int) -> None:
        """The stage did its work so often."""
        self.calls[name] = self.calls.get(name, 0) + times


def measure(touchpoints: int, contacts: int, checkpoint: int, seed: int = 7) -> Costs:
    """Every stage's costs, warm-up left out.

    Args:
        touchpoints: how many are folded.
        contacts: of how many contacts at most.
        checkpoint: touchpoints between two checkpoints of the partition.
        seed: of the touchpoints.
    """
    now = time.time_ns() // 1_000_000
    records = [Record(number, now, *arrival) for number, arrival in enumerate(arrivals(touchpoints, contacts, seed))]
    pack, costs = load_pack(None), Costs()
    gc.collect()
    gc.freeze()  # our own records: a worker has only those of a fetch
    _walk_in_stages(records, checkpoint, pack, costs)
    _walk_as_worker(records, checkpoint, pack, costs)
    return costs


def _walk_in_stages(records: Sequence[Record], checkpoint: int, pack: RulePack, costs: Costs) -> None:
    store: dict[bytes, bytes] = {}
    for number, window in _windows(records, checkpoint):
        of_window = costs if number >= WARM_UP * len(records) else Costs()
        with of_window.stage(DECODE):
            touchpoints = [
                decode_touchpoint(record.value, record.key, record.timestamp, record.headers) for record in window
            ]
        resting = {key: store[key] for key in dict.fromkeys(record.key for record in window) if key in store}
        with of_window.stage(LOAD):
            live = {key: decode_state(data) for key, data in resting.items()}
        for record in window:
            if record.key not in live:
                live[record.key] = ContactState.new()
        states = [live[record.key] for record in window]
        with of_window.stage(FOLD):
            changes = _fold_all(states, touchpoints, pack)
        with of_window.stage(DUE):
            for state in live.values():
                next_demotion_at(state, pack)
        with of_window.stage(ENCODE):
            encoded = {key: encode_state(state) for key, state in live.items()}
        with of_window.stage(OUTPUTS):
            outputs = _encode_outputs(changes, pack, window[-1].timestamp)
        store.update(encoded)
        with of_window.stage(BATCH):
            _build_batches(encoded)
        of_window.touchpoints += len(window)
        counts = (len(window), len(resting), len(window), len(live), len(encoded), len(outputs), len(encoded))
        for name, times in zip((DECODE, LOAD, FOLD, DUE, ENCODE, OUTPUTS, BATCH), counts, strict=True):
            of_window.called(name, times)


def _walk_as_worker(records: Sequence[Record], checkpoint: int, pack: RulePack, costs: Costs) -> None:
    processor = TouchpointProcessor(Settings(partitioner="none"), pack)
    partition = Partition(PartitionCopy(0), processor)
    processor.open(partition, {})
    for number, window in _windows(records, checkpoint):
        of_window = costs if number >= WARM_UP * len(records) else Costs()
        with of_window.stage(WALK):
            for _, batch in _windows(window, SLICE):
                processor.fold(partition, "touchpoints", batch)
            partition.snapshot(number)
            partition.commit(partition.meta, None)
        of_window.called(WALK, len(window))


def _windows(records: Sequence[Record], size: int) -> Iterator[tuple[int, Sequence[Record]]]:
    for first in range(0, len(records), size):
        yield first, records[first : first + size]


def _fold_all(states: Sequence[ContactState], touchpoints: Sequence[Touchpoint], pack: RulePack) -> list[TierChange]:
    changes: list[TierChange] = []
    for state, touchpoint in zip(states, touchpoints, strict=True):
        outcome = fold(state, touchpoint, pack)
        if outcome.changes:
            changes.extend(outcome.changes)
    return changes


def _encode_outputs(changes: Sequence[TierChange], pack: RulePack, recorded_at: int) -> list[OutRecord]:
    outputs = []
    for change in changes:
        outputs.append(tier_change_record(change, pack, recorded_at, "palier-tiers"))
        outputs.append(tier_current_record(change, pack, recorded_at))
    return outputs


def _build_batches(encoded: dict[bytes, bytes]) -> int:
    """What the producer does with a checkpoint's states; the bytes that would go to the broker."""
    size, left = 0, iter(encoded.items())
    item = next(left, None)
    while item is not None:
        builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_LZ4, 1, 1, 1, 1, BATCH_BYTES)
        offset = 0
        while item is not None and builder.append(offset, 0, *item, []) is not None:
            offset += 1
            item = next(left, None)
        size += len(builder.build())
    return size


def table(costs: Costs) -> str:
    """Microseconds per touchpoint and per call, by stage."""
    rows = ["| stage | us/touchpoint | calls/touchpoint | us/call |", "|---|---:|---:|---:|"]
    total = sum(seconds for name, seconds in costs.seconds.items() if name != WALK)
    for name, seconds in costs.seconds.items():
        each, calls = 1e6 * seconds / costs.touchpoints, costs.calls[name]
        if name == WALK:
            rows.append(f"| sum of the stages | {1e6 * total / costs.touchpoints:.2f} | | |")
        rows.append(f"| {name} | {each:.2f} | {calls / costs.touchpoints:.3f} | {1e6 * seconds / max(calls, 1):.2f} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__.partition("\n")[0])
    parser.add_argument("--touchpoints", type=int, default=100_000, help="how many are folded (%(default)s)")
    parser.add_argument("--contacts", type=int, default=5_000, help="of how many contacts (%(default)s)")
    parser.add_argument("--checkpoint", type=int, default=5_000, help="touchpoints per checkpoint (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of the touchpoints (%(default)s)")
    parser.add_argument("--no-gc", action="store_true", help="without Python's collector of cycles")
    options = parser.parse_args(arguments)
    if options.no_gc:
        gc.disable()
    print(table(measure(options.touchpoints, options.contacts, options.checkpoint, options.seed)))
    print(f"\n{machine()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
