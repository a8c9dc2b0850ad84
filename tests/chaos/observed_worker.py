"""`python observed_worker.py FILE`: a worker that writes down how much it holds, a line of JSON every few seconds.

A thread of its own does it; nothing else is added to the worker.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from pathlib import Path

EVERY_S = 5.0


def held():
    """What this process holds now: memory in MiB, objects the collector knows, open files, threads, tasks."""
    rss_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "at": time.time(),
        "pid": os.getpid(),
        "memory": rss_pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "objects": len(gc.get_objects()) + gc.get_freeze_count(),
        "files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": threading.active_count(),
        "tasks": _tasks(),
    }


def _tasks():
    """Of all event loops: each has a thread."""
    known = getattr(asyncio.tasks, "_scheduled_tasks", None) or asyncio.tasks._all_tasks
    for _ in range(10):
        try:
            return sum(not task.done() for task in list(known))
        except RuntimeError:  # another thread has just made one
            continue
    return -1


def _tell(file):
    while True:
        time.sleep(EVERY_S)
        file.write(json.dumps(held()) + "\n")


def main():
    file = Path(sys.argv.pop(1)).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - as long as the process
    threading.Thread(target=_tell, args=(file,), daemon=True).start()
    from palier_tiers.__main__ import start

    start()


if __name__ == "__main__":
    main()
