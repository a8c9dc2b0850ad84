"""`palier worker`: become one worker process."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Annotated, Any

from typer import Option
from typer.core import TyperCommand

from palier.errors import ConfigurationError


class WorkerCommand(TyperCommand):
    """A command whose help ends with every setting, read from where the settings are declared."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Typer's own help, then the table of settings."""
        super().format_help(ctx, formatter)
        from palier_cli.settings_help import print_settings

        print_settings()


def worker(
    *,
    accept_data_loss: Annotated[
        bool,
        Option(
            "--accept-data-loss",
            help="Go on where a changelog or topic is damaged or gone (exit code 65 otherwise); what is skipped is "
            "logged and counted. For one start, after you have looked: lost state does not come back.",
        ),
    ] = False,
) -> None:
    """Run one worker: touchpoints in, tier changes out, exactly once.

    As many workers as there are partitions share the work. A worker takes its settings from the environment (below), ends cleanly on SIGTERM and Ctrl-C, and logs to standard error.

    [bold]PALIER_BROKERS=kafka-1:9092,kafka-2:9092 palier worker[/bold]
    """
    if find_spec("faust") is None:
        raise ConfigurationError("the worker is not installed: pip install 'palier[tiers]'")
    sys.stdout.flush()
    # Not a child but this very process: a supervisor's signals and the exit code need no messenger in between.
    # -P: a file of the working folder must not pass for a module of the worker.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "palier_tiers", *["--accept-data-loss"] * accept_data_loss])  # noqa: S606 - our own interpreter, no shell
