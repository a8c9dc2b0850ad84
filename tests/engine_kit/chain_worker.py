"""`python chain_worker.py BROKERS NAME PARTITIONS DATA_DIR SESSION_S`: one worker process of the chain.

SIGUSR1 makes it sick in the way that CHAIN_SICKNESS names: `raise` in the next fold, or `block` the event loop.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine_kit.chain import TARGET, ChainProcessor, SilentObserver
from palier.engine import process, protocol, watchdog
from palier.engine.app import create_engine_app
from palier.engine.config import EngineConfig
from palier.engine.writer import Writer


def config(brokers, name, partitions, data_dir, session_s):
    """The chain's topics are NAME-source, NAME-out and NAME-chain-changelog."""
    return EngineConfig(
        application=name,
        brokers=brokers,
        sources=(f"{name}-source",),
        outputs={TARGET: f"{name}-out"},
        table="chain",
        partitions=int(partitions),
        data_dir=Path(data_dir),
        checkpoint_interval_s=float(os.environ.get("CHAIN_CHECKPOINT_INTERVAL", "0.1")),
        session_timeout_s=float(session_s),
        standbys=int(os.environ.get("CHAIN_STANDBYS", "0")),
        store=os.environ.get("CHAIN_STORE", "memory://"),
        accept_data_loss="CHAIN_ACCEPT_DATA_LOSS" in os.environ,
        client={"bootstrap_servers": brokers},
    )


class SickProcessor(ChainProcessor):
    """A chain that can be made to fail."""

    sick = False

    def fold(self, partition, topic, records):
        if self.sick:
            raise RuntimeError("sick")
        super().fold(partition, topic, records)

    def become_sick(self, *_):
        """As a signal handler: in the main thread, which is the event loop's."""
        if os.environ.get("CHAIN_SICKNESS") == "block":
            time.sleep(600)
        self.sick = True


if __name__ == "__main__":
    process.Watchdog = functools.partial(
        watchdog.Watchdog, limit_s=float(os.environ.get("CHAIN_WATCHDOG", watchdog.LIMIT_S))
    )
    process.DRAIN_LIMIT_S = float(os.environ.get("CHAIN_DRAIN_LIMIT", process.DRAIN_LIMIT_S))
    protocol.SETTLE_ATTEMPTS = int(os.environ.get("CHAIN_SETTLE_ATTEMPTS", protocol.SETTLE_ATTEMPTS))
    processor = SickProcessor()
    signal.signal(signal.SIGUSR1, processor.become_sick)
    Writer.RENEW_AFTER = int(os.environ.get("CHAIN_RENEW_AFTER", Writer.RENEW_AFTER))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("palier").setLevel(logging.INFO)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.exit(process.run_until_signal(lambda: create_engine_app(config(*sys.argv[1:]), processor, SilentObserver())))
