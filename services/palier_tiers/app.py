"""The composition root of the stream processor: the one file that knows every part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from palier.contracts.refusal import RefusalReason
from palier.engine.app import EngineApp, create_engine_app
from palier.engine.config import EngineConfig
from palier.kafka.clients import client_settings
from palier.metrics import Metrics
from palier_tiers.observing import MetricsObserver
from palier_tiers.processor import DEAD_LETTER, TIER_CHANGES, TIER_CURRENT, TouchpointProcessor

if TYPE_CHECKING:
    from palier.domain.pack import RulePack
    from palier.settings import Settings

TABLE = "contacts"


def engine_config(settings: Settings, *, accept_data_loss: bool = False) -> EngineConfig:
    """The engine's view of the settings."""
    prefix = settings.topic_prefix
    return EngineConfig(
        application=settings.application,
        brokers=settings.brokers,
        sources=(f"{prefix}{settings.touchpoints_topic}",),
        outputs={
            TIER_CHANGES: f"{prefix}{settings.tier_changes_topic}",
            TIER_CURRENT: f"{prefix}{settings.tier_current_topic}",
            DEAD_LETTER: f"{prefix}{settings.dead_letter_topic}",
        },
        table=TABLE,
        partitions=settings.partitions,
        data_dir=settings.data_dir / "worker",
        checkpoint_interval_s=settings.checkpoint_interval,
        session_timeout_s=settings.session_timeout,
        group_instance_id=settings.group_instance_id,
        fetch_records=settings.fetch_records,
        timer_grace_s=settings.timer_grace,
        event_clock=settings.clock == "event",
        store=settings.store,
        standbys=settings.standbys,
        accept_data_loss=accept_data_loss,
        client=client_settings(settings),
    )


def create_metrics(pack: RulePack) -> Metrics:
    """Metrics with the pack's own words as labels."""
    metrics = Metrics(types=pack.rules, tiers=[tier.name for tier in pack.tiers], reasons=list(RefusalReason))
    metrics.pack(pack.name, pack.version, pack.digest)
    return metrics


def create_app(settings: Settings, pack: RulePack, metrics: Metrics, *, accept_data_loss: bool = False) -> EngineApp:
    """A stream processor, not started. Several can live in one process."""
    config = engine_config(settings, accept_data_loss=accept_data_loss)
    return create_engine_app(config, TouchpointProcessor(settings, pack), MetricsObserver(metrics))
