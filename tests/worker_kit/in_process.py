"""The processor on a partition without Kafka: records in, checkpoints as the engine makes them, what was committed."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from typing import Any, NamedTuple

from palier.contracts.contact_state import encode_state
from palier.contracts.dead_letter import DeadLetter
from palier.engine.meta import Meta
from palier.engine.partition import Partition
from palier.engine.partition_copy import PartitionCopy
from palier.packs import load_pack
from palier.settings import Settings
from palier_tiers.processor import DEAD_LETTER, TIER_CHANGES, TIER_CURRENT, TouchpointProcessor

TOPIC = "touchpoints"
NOW_MS = time.time_ns() // 1_000_000  # when all records were published: equal logs give equal META


class Record(NamedTuple):
    """A record as the Kafka client hands it over."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple = ()


class Bench:
    """One partition of a worker. Nothing is committed before `checkpoint` or `begin` and `commit`."""

    def __init__(self, *, summary=None, number=0, pack=None, **settings):
        self.pack = pack or load_pack(None)
        self.settings = Settings(**({"clock": "event", "partitioner": "none"} | settings))
        self.processor = TouchpointProcessor(self.settings, self.pack)
        self.partition = Partition(PartitionCopy(number), self.processor)
        self.processor.open(self.partition, summary or {})
        self.offset = self.batch_number = 0
        self.committed: dict[str, list[Any]] = defaultdict(list)  # target -> records
        self.changelog: list[dict[bytes, bytes | None]] = []  # one a checkpoint
        self.effects: list[Any] = []
        self.summary: dict[str, Any] = {}
        self._snapshot = None

    def feed(self, *touchpoints, key=..., headers=()):
        """Fold touchpoints (dicts, or values as bytes) as one batch; each keyed by its contact unless `key` is given."""
        records = []
        for one in touchpoints:
            value = one if isinstance(one, bytes | None) else json.dumps(one).encode()
            own_key = key if key is not ... else json.loads(value)["contact_id"].encode()
            records.append(Record(self.offset, NOW_MS, own_key, value, headers))
            self.offset += 1
        self.processor.fold(self.partition, TOPIC, records)

    # --- checkpoints --------------------------------------------------------------------------------------------------
    @property
    def checkpointing(self):
        """A checkpoint has begun."""
        return self._snapshot is not None

    def begin(self):
        """Fix the content of the next checkpoint."""
        self.batch_number += 1
        self._snapshot = self.partition.snapshot(self.batch_number)

    def commit(self):
        """The checkpoint that has begun is committed."""
        taken, self._snapshot = self._snapshot, None
        self.partition.commit(Meta(batch_number=self.batch_number, summary=taken.summary), self.batch_number)
        for target, records in taken.outputs.items():
            self.committed[target] += records
        self.changelog.append(taken.changelog)
        self.effects.append(taken.effects)
        self.summary = taken.summary
        self.processor.committed(self.partition, taken.effects)

    def checkpoint(self):
        """A whole one."""
        self.begin()
        self.commit()

    # --- what came of it ----------------------------------------------------------------------------------------------
    @property
    def changes(self):
        """Tier changes that are committed."""
        return [json.loads(record.value) for record in self.committed[TIER_CHANGES]]

    @property
    def current(self):
        """tier-current as a table: contact -> what its last record says, None for a tombstone."""
        return {
            record.key.decode(): record.value and json.loads(record.value) for record in self.committed[TIER_CURRENT]
        }

    @property
    def dead_letters(self):
        """Dead letters that are committed, decoded."""
        return [DeadLetter.from_record(*record) for record in self.committed[DEAD_LETTER]]

    @property
    def states(self):
        """Key -> encoded state, as committed."""
        return {key: encode_state(self.partition.load(key)) for key, _ in self.partition.copy.store.items()}
