"""The process: checks before it starts, runs until a signal, drains, and ends with an exit code that means something."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from argparse import ArgumentParser
from typing import NoReturn

from palier.endpoint import HealthServer
from palier.engine import failpoints
from palier.engine.memory import use_one_heap
from palier.engine.process import run_until_signal
from palier.errors import ConfigurationError, ExitCode, PalierError
from palier.health import WorkerState
from palier.kafka.clients import wait_for_broker
from palier.kafka.topics import check_topics
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
            f"{first.place}: {first.what} is {first.actual}, needed {first.expected}: {first.remedy}{more}"
        )


def make_data_folder(settings: Settings) -> None:
    """The folder that the worker's files go to.

    Raises:
        ConfigurationError: it is not there and cannot be made.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"PALIER_DATA_DIR={settings.data_dir}: {error.strerror}; name a folder that can be made and written to"
        ) from None


def run(settings: Settings, *, accept_data_loss: bool = False) -> ExitCode:
    """Run one worker until a signal. `accept_data_loss`: go on where logs are damaged, and count what is skipped.

    Raises:
        PalierError: it could not start; the message is one readable line.
    """
    failpoints.arm(os.environ.get(failpoints.VARIABLE))
    if settings.store == "memory://":
        use_one_heap()
    pack = load_pack(settings.pack)
    make_data_folder(settings)
    metrics = create_metrics(pack)
    server = HealthServer(settings.http_host, settings.metrics_port, metrics, metrics.health)
    asyncio.run(check_before_start(settings))
    port = server.start()
    logger.info(
        "worker of %s with pack %s %d; metrics and health on http://%s:%d",
        settings.application, pack.name, pack.version, settings.http_host, port,
    )  # fmt: skip
    metrics.worker_state(WorkerState.JOINING)
    return run_until_signal(lambda: create_app(settings, pack, metrics, accept_data_loss=accept_data_loss))


def main() -> NoReturn:
    """Entry point of `python -m palier_tiers`."""
    arguments = ArgumentParser(prog="palier_tiers", description="One worker; settings come from the environment.")
    arguments.add_argument("--accept-data-loss", action="store_true", help="go on where logs are damaged, and count it")
    given = arguments.parse_args()
    set_up_logging()
    try:
        code = run(load_settings(), accept_data_loss=given.accept_data_loss)
    except PalierError as error:
        sys.stderr.write(f"palier: {error}\n")
        code = error.exit_code
    except Exception as error:  # noqa: BLE001 - the outermost edge: a bug must end with the documented code, and say where it is
        traceback.print_exc()
        sys.stderr.write(f"palier: {error!r}: this is a fault of palier itself; please report the lines above\n")
        code = ExitCode.INTERNAL
    # All is committed or never happened: waiting for the libraries' threads and tasks would only cost time.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
