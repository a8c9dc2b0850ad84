"""The process: checks before it starts, runs until a signal, drains, and ends with an exit code that means something."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from palier.kafka.clients import wait_for_broker
from palier.kafka.topics import check_topics

from palier.endpoint import HealthServer
from palier.engine.process import run_until_signal
from palier.errors import ConfigurationError, ExitCode, PalierError
from palier.health import WorkerState
from palier.packs import load_pack
from palier.settings import Settings, load_settings
from palier_tiers.app import create_app, create_metrics
from palier_tiers.logs import set_up_logging

logger = logging.getLogger(__name__)


async def check_before_start(settings: Settings) -> None:
    """A broker answers, and every topic is such that state cannot split.

    Raises:
        BrokerUnreachableError: nothing answered within PALIER_STARTUP_TIMEOUT.
        ConfigurationError: a topic is missing or wrong.
    """
    await wait_for_broker(settings.brokers, settings.startup_timeout)
    wrong = [difference for difference in await check_topics(settings) if difference.blocks_worker]
    if wrong:
        first = wrong[0]
        more = f" (and {len(wrong) - 1} more: see `palier topics`)" if len(wrong) > 1 else ""
        raise ConfigurationError(
            f"topic {first.topic}: {first.what} is {first.actual}, needed {first.expected}: {first.remedy}{more}"
        )


def run(settings: Settings) -> ExitCode:
    """Run one worker until a signal.

    Raises:
        PalierError: it could not start; the message is one readable line.
    """
    pack = load_pack(settings.pack)
    metrics = create_metrics(pack)
    server = HealthServer(settings.http_host, settings.metrics_port, metrics, metrics.health)
    asyncio.run(check_before_start(settings))
    port = server.start()
    logger.info(
        "worker of %s with pack %s %d; metrics and health on http://%s:%d",
        settings.application, pack.name, pack.version, settings.http_host, port,
    )  # fmt: skip
    metrics.worker_state(WorkerState.JOINING)
    return run_until_signal(lambda: create_app(settings, pack, metrics))


def main() -> None:
    """Entry point of `python -m palier_tiers`."""
    set_up_logging()
    try:
        code = run(load_settings())
    except PalierError as error:
        sys.stderr.write(f"palier: {error}\n")
        code = error.exit_code
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    # All is committed or never happened: waiting for the libraries' threads and tasks would only cost time.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
