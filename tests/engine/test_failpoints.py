"""Where a process under test is made to die: at the named point, the nth time, as kill -9 would."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from palier.engine import failpoints
from palier.errors import ConfigurationError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text", ["somewhere:1", "begun", "begun:", "begun:0", "begun:-1", "begun:x", ":1", "begun:1:2"]
)
def test_what_cannot_be_meant_is_refused(text):
    """One readable line, which names the points there are."""
    with pytest.raises(ConfigurationError, match=rf"PALIER_FAILPOINT={re.escape(text)}: .*begun.*end-sent"):
        failpoints.arm(text)


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_is_armed_by_default(text):
    """A worker whose environment says nothing passes every point."""
    failpoints.arm(text)
    for name in failpoints.POINTS:
        failpoints.reached(name)
        assert asyncio.run(failpoints.under_way(name, asyncio.sleep(0, "answer"))) == "answer"


def died(code):
    """What a process that runs this printed, and how it ended."""
    program = f"import asyncio\nfrom palier.engine import failpoints\n{code}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return ended.stdout.split(), ended.returncode


def test_the_nth_time_is_the_last():
    """Other points are passed, and this one twice."""
    printed, code = died(
        "failpoints.arm('stored:3')\nfor turn in range(9):\n"
        "    failpoints.reached('begun')\n    print(turn, flush=True)\n    failpoints.reached('stored')"
    )
    assert (printed, code) == (["0", "1", "2"], -signal.SIGKILL)


def test_a_request_under_way_has_been_sent():
    """The request's first step is done when the process dies, its answer never comes."""
    printed, code = died(
        "async def request():\n    print('sent', flush=True)\n    await asyncio.sleep(0)\n    print('answered', flush=True)\n"
        "failpoints.arm('end-sent:1')\nasyncio.run(failpoints.under_way('end-sent', request()))"
    )
    assert (printed, code) == (["sent"], -signal.SIGKILL)


def test_every_point_is_somewhere_in_the_code():
    """A point that nothing passes would prove nothing; one that is not in the list could not be named."""
    sources = [*ROOT.glob("shared/palier/**/*.py"), *ROOT.glob("services/**/*.py")]
    passed = re.findall(r'failpoints\.(?:reached|under_way)\("([^"]+)"', "".join(file.read_text() for file in sources))
    assert sorted(passed) == sorted(failpoints.POINTS)
