"""One heap for all threads."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

HEAPS = """
import ctypes, threading
from palier.engine.memory import use_one_heap
if {called}: use_one_heap()
barrier = threading.Barrier(4)
def allocate():
    held = [bytes(1_000 + number) for number in range(1_000)]
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
stdout = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(stdout))
libc.fflush(ctypes.c_void_p(stdout))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps by thread")
@pytest.mark.parametrize("called", [True, False])
def test_threads_share_a_heap(called):
    """What one thread frees another can use; without the call, glibc makes more than one heap."""
    script = HEAPS.format(called=called)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout.count("<heap nr=") == 1) is called
