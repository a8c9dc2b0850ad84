"""The edge: arguments in, exit code out, trouble as one line on stderr."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

from palier.errors import ExitCode, PalierError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Runs the simulator; returns the exit code."""
    # Until the run itself watches signals; a supervisor's wish to end is no failure.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(ExitCode.DONE))
    try:
        return _run(arguments)
    except PalierError as error:
        print(f"palier_simulator: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # `... | head` has what it wanted
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor may the interpreter complain at its end
        return ExitCode.DONE
    except Exception:  # noqa: BLE001 - the outermost edge: a bug must end with the documented code and say where it is
        import traceback

        traceback.print_exc()
        return ExitCode.INTERNAL


def _run(arguments: Sequence[str]) -> int:
    import time

    from palier_simulator.arguments import parse

    options = parse(arguments, time.time_ns() // 1_000_000)  # --help ends here, before anything heavy is imported
    import asyncio
    import logging

    from palier_simulator.command import run

    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # ten lines a second while a broker restarts
    logging.getLogger("palier_simulator").setLevel(logging.INFO)
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
