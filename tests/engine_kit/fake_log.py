"""A small model of what Kafka does with transactional producers: epochs, markers, verification, and its known faults.

As brokers treat clients that speak version 0 of the transaction calls: the epoch changes with each new producer, not with
each transaction, so a late request is told from a new one only by what its transaction happens to be.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from engine_kit.fake_partition import Entry, FakePartition, FencedError, NotInTransactionError

OURS, STRANGER = "ours", "stranger"


class Phase(StrEnum):
    """Of a transactional id, as its coordinator sees it."""

    EMPTY = "empty"
    ONGOING = "ongoing"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(slots=True)
class _Transaction:
    """What the coordinator knows of a transactional id."""

    epoch: int = 0
    phase: Phase = Phase.EMPTY
    partitions: set[str] = field(default_factory=set)
    unmarked: set[str] = field(default_factory=set)  # it is ended, and its marker has not come here yet


class FakeLog:
    """One partition of each topic. `met` counts what happened, so that nobody mistakes an idle history for a proof."""

    def __init__(self, topics):
        self.topics = tuple(topics)
        self.partitions = {topic: FakePartition() for topic in self.topics}
        self.met = Counter()
        self.crashes = 0  # of the broker: each may have lost markers, and cuts every connection
        self.markers_lost_in: set[str] = set()  # the next end of a transaction writes no marker there
        self.markers_wait = False  # the next end of a transaction is answered before its markers are written
        self._transactions: dict[str, _Transaction] = {}

    # --- the broker's calls -------------------------------------------------------------------------------------------
    def init_producer(self, producer=OURS):
        """InitProducerId: bump the epoch; abort what the old one left open."""
        transaction = self._at_rest(producer)
        transaction.epoch += 1
        if transaction.phase is Phase.ONGOING:
            self.met["transactions that a successor aborted"] += 1
            self._finish(producer, commit=False)
            self.markers_arrive()
        transaction.phase = Phase.EMPTY
        return transaction.epoch

    def add_partitions(self, epoch, topics, producer=OURS):
        """AddPartitionsToTxn: begins a transaction if none is open."""
        transaction = self._at_rest(producer)
        self._check(transaction, epoch)
        transaction.phase = Phase.ONGOING
        transaction.partitions |= set(topics)

    def append(self, epoch, topic, sequence, key, value, batch=None, producer=OURS):
        """Produce, one record: (offset, whether it is new). A partition that holds nothing open asks the coordinator."""
        partition = self.partitions[topic]
        if not partition.is_open(producer, epoch):
            partition.verify(producer, epoch, sequence)
            transaction = self._at_rest(producer)
            self._check(transaction, epoch)
            if transaction.phase is not Phase.ONGOING or topic not in transaction.partitions:
                self.met["records refused outside of a transaction"] += 1
                raise NotInTransactionError
        return partition.append(producer, epoch, sequence, Entry(producer, key, value, batch))

    def end_transaction(self, epoch, *, commit, producer=OURS):
        """EndTxn: the same answer twice, if it comes twice."""
        transaction = self._at_rest(producer)
        self._check(transaction, epoch)
        if transaction.phase is Phase.ONGOING:
            self.met[f"transactions {'committed' if commit else 'aborted'}"] += 1
            self._finish(producer, commit=commit)
        elif transaction.phase is not (Phase.COMMITTED if commit else Phase.ABORTED):
            raise NotInTransactionError

    # --- what the broker does by itself -------------------------------------------------------------------------------
    def is_newest(self, epoch):
        """Nobody has fenced our producer of this epoch."""
        return self._transaction(OURS).epoch == epoch

    def is_ongoing(self, producer=OURS):
        """A transaction is open."""
        return self._transaction(producer).phase is Phase.ONGOING

    def time_out(self, producer=OURS):
        """The coordinator aborts a transaction that takes too long, and its producer is fenced by that."""
        transaction = self._transaction(producer)
        transaction.epoch += 1
        self.met["transactions timed out"] += 1
        self._finish(producer, commit=False)

    def markers_arrive(self):
        """Markers that were under way are written."""
        for producer, transaction in self._transactions.items():
            for topic in sorted(transaction.unmarked):
                commit = transaction.phase is Phase.COMMITTED
                self.partitions[topic].mark(producer, transaction.epoch, commit=commit)
            transaction.unmarked = set()

    def _finish(self, producer, *, commit):
        transaction = self._transaction(producer)
        transaction.phase = Phase.COMMITTED if commit else Phase.ABORTED
        transaction.unmarked = transaction.partitions - self.markers_lost_in
        if transaction.partitions and self.markers_lost_in:
            self.met["transactions without some of their markers"] += 1
            self.markers_lost_in = set()
            self.crashes += 1
        transaction.partitions = set()
        if self.markers_wait:
            self.met["transactions with late markers"] += 1
            self.markers_wait = False
        else:
            self.markers_arrive()

    def _transaction(self, producer):
        return self._transactions.setdefault(producer, _Transaction())

    def _at_rest(self, producer):
        """CONCURRENT_TRANSACTIONS: as long as markers are missing, clients ask again."""
        transaction = self._transaction(producer)
        if transaction.unmarked:
            self.markers_arrive()
        return transaction

    def _check(self, transaction, epoch):
        if epoch != transaction.epoch:
            self.met["calls fenced"] += 1
            raise FencedError

    # --- what readers see ---------------------------------------------------------------------------------------------
    def high(self, topic):
        """High watermark."""
        return self.partitions[topic].high

    def stable(self, topic):
        """Last stable offset."""
        return self.partitions[topic].stable

    @property
    def is_hanging(self):
        """Something is not decided, somewhere."""
        return any(partition.stable < partition.high for partition in self.partitions.values())
