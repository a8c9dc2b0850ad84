"""Where tasks are suspended, for a stop that takes too long."""

from __future__ import annotations

import asyncio

from palier.engine.waits import pending_waits


async def inner(event):
    await event.wait()


async def outer(event):
    await inner(event)


def test_the_innermost_coroutine_is_named():
    """Not the task's outermost one, and each place once."""

    async def scene():
        event = asyncio.Event()
        tasks = [asyncio.ensure_future(outer(event)) for _ in range(2)]
        await asyncio.sleep(0)
        waits = pending_waits(asyncio.get_running_loop())
        event.set()
        await asyncio.gather(*tasks)
        return waits

    waits = asyncio.run(scene())
    assert any(wait.startswith("locks.py:") and wait.endswith("Event.wait x 2") for wait in waits), waits
    assert not any("outer" in wait for wait in waits)
