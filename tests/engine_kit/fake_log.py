"""A small model of what Kafka does with one producer id: epochs, markers, last stable offset, and its known faults."""

from __future__ import annotations

from dataclasses import dataclass, field


class FencedError(Exception):
    """The broker knows a newer epoch."""


@dataclass
class Entry:
    """A record, or a marker (kind commit or abort)."""

    kind: str
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple = ()


@dataclass
class FakeLog:
    """One partition of each topic, all written under a single transactional id."""

    topics: tuple[str, ...]
    entries: dict[str, list[Entry]] = field(init=False)
    epoch: int = 0
    open_in: set[str] = field(default_factory=set)  # partitions that the transaction under way was told of
    crashes: int = 0  # of the broker: each may have lost markers, and cuts every connection
    markers_lost_in: set[str] = field(default_factory=set)  # the next end of a transaction writes no marker there

    def __post_init__(self):
        self.entries = {topic: [] for topic in self.topics}

    # --- the broker's calls -------------------------------------------------------------------------------------------
    def init_producer(self):
        """Bump the epoch; abort what the old one left open."""
        self.epoch += 1
        self._finish("abort")
        return self.epoch

    def add_partitions(self, epoch, topics):
        """Name the partitions of a transaction."""
        self._check(epoch)
        self.open_in |= set(topics)

    def append(self, epoch, topic, key, value, headers=()):
        """One record of the transaction under way."""
        self._check(epoch)
        assert topic in self.open_in, "a record of a partition that was not added"
        self.entries[topic].append(Entry("data", key, value, tuple(headers)))

    def end_transaction(self, epoch, *, commit):
        """EndTxn."""
        self._check(epoch)
        self._finish("commit" if commit else "abort")

    def _check(self, epoch):
        if epoch != self.epoch:
            raise FencedError

    def _finish(self, marker):
        for topic in self.open_in - self.markers_lost_in:
            self.entries[topic].append(Entry(marker))
        if self.open_in and self.markers_lost_in:
            self.markers_lost_in = set()
            self.crashes += 1
        self.open_in = set()

    # --- what readers see ---------------------------------------------------------------------------------------------
    def high(self, topic):
        """High watermark."""
        return len(self.entries[topic])

    def stable(self, topic):
        """Last stable offset: the first record without a marker behind it."""
        entries = self.entries[topic]
        last_marker = max((at for at, entry in enumerate(entries) if entry.kind != "data"), default=-1)
        return last_marker + 1

    def committed(self, topic, end=None):
        """(offset, entry) of what a read_committed reader gets."""
        result, waiting = [], []
        for offset, entry in enumerate(self.entries[topic][: self.stable(topic) if end is None else end]):
            if entry.kind == "data":
                waiting.append((offset, entry))
            else:
                result += waiting if entry.kind == "commit" else []
                waiting = []
        return result

    def last_record(self, topic, start, end):
        """The last record in [start, end), committed or not."""
        found = [entry for entry in self.entries[topic][start:end] if entry.kind == "data"]
        return found[-1] if found else None
