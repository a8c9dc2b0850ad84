"""The edge of the command line: whatever happens inside becomes one readable line and an exit code."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING, NoReturn

from palier.errors import ExitCode, PalierError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> NoReturn:
    """Entry point of the `palier` script and of `python -m palier_cli`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Expected trouble is one line on stderr, never a traceback."""
    # What Kafka's client has to complain about while it retries is not for the reader; what matters comes as an error.
    logging.lastResort = logging.NullHandler()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a contact's name must not fail in an ASCII terminal
    try:
        code = _invoke(arguments)
        sys.stdout.flush()  # here and not at interpreter shutdown, where a closed pipe could no longer be caught
    except PalierError as error:
        return _tell(str(error), error.exit_code)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        # A named file or a full disk is the caller's to mend; any other system error is a fault of ours.
        if error.filename is None and error.errno != errno.ENOSPC:
            return _fault()
        where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        return _tell(f"{where}{error.strerror}", ExitCode.WRONG_USE)
    except Exception:  # noqa: BLE001 - the outermost edge: a bug must end with the documented code and say where it is
        return _fault()
    return code


def _invoke(arguments: Sequence[str]) -> int:
    try:
        import typer
        from typer.exceptions import TyperException
        from typer.main import get_command
    except ModuleNotFoundError as error:
        return _tell(f"the command line needs {error.name}: pip install 'palier[cli]'", ExitCode.WRONG_USE)
    from palier_cli.app import app

    try:
        with get_command(app).make_context("palier", list(arguments)) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except TyperException as error:
        context_of_error = getattr(error, "ctx", None)
        message = error.format_message()
        if not message.strip():  # `palier` alone: its help has been printed already
            return ExitCode.WRONG_USE
        command = context_of_error.command_path if context_of_error is not None else "palier"
        return _tell(f"{' '.join(message.split())} See `{command} --help`.", ExitCode.WRONG_USE, command)
    return ExitCode.DONE


def _tell(message: str, code: ExitCode, command: str = "palier") -> ExitCode:
    print(f"{command}: {' '.join(message.splitlines())}", file=sys.stderr)
    return code


def _reader_left() -> ExitCode:
    """`palier replay ... | head`: the reader has all it wanted, which is no trouble of ours."""
    # What is still buffered must go nowhere, else the interpreter complains while it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.DONE


def _fault() -> ExitCode:
    traceback.print_exc()
    return _tell("this is a fault of palier itself; please report the lines above", ExitCode.INTERNAL)


if __name__ == "__main__":
    main()
