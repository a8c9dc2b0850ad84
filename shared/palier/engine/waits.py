"""What a process waits for: told when a stop takes longer than it should, since nobody can attach a debugger in time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any


def pending_waits(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Where each task of a loop is suspended, as `file:line function`; how many there are, if more than one. Any thread."""
    counts = Counter(_innermost(task.get_coro()) for task in asyncio.all_tasks(loop) if not task.done())
    return [place if count == 1 else f"{place} x {count}" for place, count in sorted(counts.items())]


def _innermost(coroutine: Any) -> str:
    """A task's own stack ends at its outermost coroutine; what that awaits tells more."""
    while (awaited := getattr(coroutine, "cr_await", None)) is not None and hasattr(awaited, "cr_frame"):
        coroutine = awaited
    frame = getattr(coroutine, "cr_frame", None)
    if frame is None:
        return repr(coroutine)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_qualname}"
