"""What goes wrong in the middle of a rebalance ends the process: aiokafka would log it, and the worker sit idle for ever."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

SICK = """
    import asyncio
    from types import SimpleNamespace
    from palier.engine.transport import BatchConsumer
    from palier.errors import ConfigurationError, InternalError

    class SickEngine:
        async def quiesce(self):
            raise {error}

        async def assign(self, assigned, generation):
            raise {error}

    class Consumer(BatchConsumer):
        engine = SickEngine()

        def __init__(self):
            pass

    asyncio.run(Consumer().{call})
"""


@pytest.mark.parametrize(
    ("call", "what"),
    [("on_partitions_assigned(set(), 1)", "taking partitions over"), ("wait_empty()", "giving partitions back")],
)
@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ("InternalError('the disk is full')", 70, "the disk is full"),
        ("ConfigurationError('in use by another worker')", 2, "in use by another worker"),
        ("KeyError('tp')", 70, "{what}: KeyError('tp')"),
    ],
)
def test_an_error_in_a_rebalance_is_an_exit(call, what, error, code, line):
    """With one line that says what, and the code that the error has."""
    program = textwrap.dedent(SICK.format(error=error, call=call))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (code, f"palier: {line.format(what=what)} (exit {code})\n")
