"""Every setting, once: name, unit, default, meaning. Read from the environment (prefix `PALIER_`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from palier.errors import ConfigurationError

NAME_PATTERN = r"^[A-Za-z0-9._-]+$"  # what Kafka allows in a topic name
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100)]


class Settings(BaseSettings):
    """Settings of all commands. Each default works with a local broker."""

    model_config = SettingsConfigDict(env_prefix="PALIER_", frozen=True, extra="ignore")

    brokers: str = Field(
        "127.0.0.1:9092", min_length=1, description="Kafka bootstrap servers, host:port, comma-separated"
    )
    app_id: Name = Field(
        "palier-tiers",
        description="Name of the application: consumer group, transactional ids and changelog begin with it",
    )
    pack: Path | None = Field(None, description="Rule pack, a TOML file; unset: the default pack")
    store: Literal["memory://", "rocksdb://"] = Field(
        "memory://",
        description="Where a worker keeps contacts at rest. memory://: fastest; a start reads them all from the changelog. "
        "rocksdb://: on disk, in PALIER_DATA_DIR; for more contacts than memory holds, and a restart reads only what is "
        "new; needs `pip install 'palier[rocksdb]'`",
    )
    data_dir: Path = Field(
        Path(".palier"),
        description="Folder for files of the local broker and of workers; with PALIER_STORE=rocksdb:// each worker needs "
        "one of its own, on a disk that outlives it",
    )
    partitions: int = Field(
        8, ge=1, le=4096, description="Partitions of touchpoints and of every topic that follows it"
    )
    clock: Literal["wall", "event"] = Field(
        "wall",
        description="wall: the worker's own clock, once it has caught up; event: the newest occurred_at read, never "
        "the wall clock (backfills, simulated time, tests)",
    )
    timer_grace: float = Field(
        3600.0,
        ge=0,
        le=1e10,
        description="Seconds to wait for late touchpoints before a silent contact is demoted",
    )
    checkpoint_interval: float = Field(
        0.1, ge=0.01, le=60, description="Seconds between transactions of a partition; stretched under backlog"
    )
    fetch_records: int = Field(20_000, ge=1, le=1_000_000, description="Records taken from Kafka in one fetch at most")
    session_timeout: float = Field(
        15.0, ge=1, le=300, description="Seconds after which the group gives the partitions of a silent worker away"
    )
    group_instance_id: Name | None = Field(
        None,
        description="Static membership: a name that only this worker has and keeps over restarts, e.g. its pod's; a "
        "restart within the session then moves no partition",
    )
    standbys: int = Field(
        0,
        ge=0,
        le=10,
        description="Other workers that keep a warm copy of each partition and take it over at once; costs each copy's "
        "memory (or disk) and its share of reading",
    )
    startup_timeout: float = Field(
        60.0, ge=0, le=3600, description="Seconds to wait for a broker before giving up with exit code 69"
    )
    partitioner: Literal["murmur2", "crc32", "none"] = Field(
        "murmur2",
        description="How upstream places keys: murmur2 (Java, aiokafka), crc32 (librdkafka's default), none (no check)",
    )
    dead_letter_budget: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of refused records among a partition's latest 10 000 above which the worker stops "
        "(exit code 65); 1 never stops",
    )
    http_host: str = Field("127.0.0.1", description="Address of the metrics and health endpoint")
    metrics_port: int = Field(
        9464, ge=0, le=65535, description="Port of /metrics, /livez and /readyz; 0 takes a free one"
    )
    topic_prefix: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]*$",
        max_length=50,
        description="Put before every topic, group and transactional id",
    )
    touchpoints_topic: Name = Field("touchpoints", description="Topic that upstream apps publish touchpoints to")
    tier_changes_topic: Name = Field("tier-changes", description="Topic of tier changes")
    tier_current_topic: Name = Field("tier-current", description="Compacted topic with each contact's current tier")
    dead_letter_topic: Name = Field("touchpoints.dead-letter", description="Topic of refused records")

    @property
    def application(self) -> str:
        """Prefix and application id: the name of everything that must not collide between environments."""
        return f"{self.topic_prefix}{self.app_id}"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, `overrides` first.

    Raises:
        ConfigurationError: one line that names every wrong variable, its value and what is wrong.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(
            f"PALIER_{'_'.join(str(part) for part in item['loc']).upper()}={item['input']!r}: {item['msg']}"
            for item in error.errors()
        )
        raise ConfigurationError(f"settings: {wrong}") from None


def settings_table() -> str:
    """Every setting as a Markdown table, for the README and `palier worker --help`."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `PALIER_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)
