"""The end of a process: its line, its code, and a moment for leaving the group that is never more than a moment."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

from palier.engine.exits import LEAVE_LIMIT_S

MEMBER = """
    import os, threading, time
    from concurrent.futures import Future
    from palier.engine.exits import exit_now, leave_before_exit
    from palier.errors import ExitCode

    class Member:
        def leave(self):
            os.write(1, b"asked")
            {leave}

    member = Member()
    leave_before_exit(member.leave)
    {end}
"""
ANSWERED = "answer = Future(); threading.Timer(0.2, lambda: (os.write(1, b' answered'), answer.set_result(None))).start(); return answer"
EXIT_70 = "exit_now(ExitCode.INTERNAL, 'sick')"


def ended(leave, end):
    """(exit code, stdout, stderr, seconds that the end itself took at most) of a process with one member of a group."""
    code = textwrap.dedent(MEMBER).format(leave=leave, end=end)
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout, done.stderr, time.monotonic() - started


def test_an_exit_with_70_waits_for_the_groups_answer():
    """Ended before the answer, the broker might not have read the request."""
    code, said, line, _ = ended(ANSWERED, EXIT_70)
    assert (code, said, line) == (70, "asked answered", "palier: sick (exit 70)\n")


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (65, "exit_now(ExitCode.DATA, 'damaged')"),
        (130, "exit_now(ExitCode.INTERRUPTED, 'second signal')"),
    ],
    ids=["damaged data", "second signal"],
)
def test_others_are_not_asked_to_take_over(code, end):
    """They would end in the same way, or there was no time to lose."""
    assert ended(ANSWERED, end)[:2] == (code, "")


@pytest.mark.parametrize(
    "leave",
    ["return Future()", "raise RuntimeError('no loop')", "return None", "answer = Future(); answer.set_exception(OSError()); return answer"],
    ids=["no answer", "cannot ask", "nobody to ask", "refused"],
)  # fmt: skip
def test_the_exit_comes_whatever_becomes_of_leaving(leave):
    """Leaving is a courtesy: it never hangs, never hides the reason, never changes the code."""
    code, _, line, seconds = ended(leave, EXIT_70)
    assert (code, line) == (70, "palier: sick (exit 70)\n")
    assert seconds < LEAVE_LIMIT_S + 5


def test_the_first_reason_is_told():
    """While one thread leaves, another that comes to an end too says nothing and waits."""
    end = f"threading.Timer(0.3, exit_now, (ExitCode.DATA, 'second')).start(); {EXIT_70}"
    assert ended("return Future()", end)[2] == "palier: sick (exit 70)\n"


def test_a_member_that_is_gone_is_passed_over():
    """Registering keeps nobody alive."""
    assert ended(ANSWERED, f"del member; {EXIT_70}")[:2] == (70, "")
