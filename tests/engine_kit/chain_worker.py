"""`python chain_worker.py BROKERS NAME PARTITIONS DATA_DIR SESSION_S`: one worker process of the chain."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from engine_kit.chain import TARGET, ChainProcessor, SilentObserver
from palier.engine.app import create_engine_app
from palier.engine.config import EngineConfig
from palier.engine.process import run_until_signal
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


if __name__ == "__main__":
    Writer.RENEW_AFTER = int(os.environ.get("CHAIN_RENEW_AFTER", Writer.RENEW_AFTER))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("palier").setLevel(logging.INFO)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    sys.exit(run_until_signal(lambda: create_engine_app(config(*sys.argv[1:]), ChainProcessor(), SilentObserver())))
