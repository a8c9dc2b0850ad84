"""What the engine must be told: names, ends of wires, rhythm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from palier.contracts.topics import DELETIONS_KEPT_MS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """`sources`: topics whose partitions are folded; all outputs and the changelog have as many partitions.

    `outputs`: target (the word a processor emits to) -> topic. `client`: keyword arguments of every aiokafka client.
    """

    application: str
    brokers: str
    sources: tuple[str, ...]
    outputs: Mapping[str, str]
    table: str
    partitions: int
    data_dir: Path
    checkpoint_interval_s: float = 0.1
    session_timeout_s: float = 15.0
    group_instance_id: str | None = None
    fetch_records: int = 20_000
    timer_grace_s: float = 3600.0
    event_clock: bool = False
    store: str = "memory://"  # or rocksdb://, in data_dir
    store_limit_s: float = DELETIONS_KEPT_MS / 1000  # an older copy on disk may have missed deletions
    standbys: int = 0  # copies of each partition that other workers keep warm
    accept_data_loss: bool = False
    client: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changelog(self) -> str:
        """The name Faust gives to the changelog of the table."""
        return f"{self.application}-{self.table}-changelog"
