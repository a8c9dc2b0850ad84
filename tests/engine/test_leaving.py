"""What a consumer's thread asks its group before an exit with 70, and when it asks nothing."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from aiokafka.protocol.group import LeaveGroupRequest

from palier.engine.transport import BatchConsumerThread


class Coordinator:
    """As much of aiokafka's as is needed; keeps what it is told to send."""

    group_id = "group"

    def __init__(self, member_id="member", instance_id=None):
        self.member_id, self._group_instance_id = member_id, instance_id
        self.sent = []

    async def _send_req(self, request):
        self.sent.append(request)
        return "left"


@contextmanager
def running_loop():
    """(loop, thread that runs it)."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop, thread
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def leave(coordinator, loop, thread):
    """`leave_group` of a consumer thread with these parts."""
    consumer = None if coordinator is None else SimpleNamespace(_coordinator=coordinator)
    return BatchConsumerThread.leave_group(SimpleNamespace(_consumer=consumer, thread_loop=loop, _thread=thread))


def test_a_member_is_taken_out_of_its_group():
    """One request on the consumer's own event loop, which turns even when the main one is blocked."""
    coordinator = Coordinator()
    with running_loop() as (loop, thread):
        assert leave(coordinator, loop, thread).result(5) == "left"
    (request,) = coordinator.sent
    assert isinstance(request, LeaveGroupRequest)
    assert (request._group, request._member_id) == ("group", "member")


@pytest.mark.parametrize(
    "coordinator",
    [None, Coordinator(member_id=""), Coordinator(instance_id="pod-1")],
    ids=["not started", "not joined", "a static member, whose restart keeps its partitions"],
)
def test_whoever_is_no_member_or_comes_back_asks_nothing(coordinator):
    """There is nothing to leave, or it is not wanted."""
    with running_loop() as (loop, thread):
        assert leave(coordinator, loop, thread) is None
    assert coordinator is None or coordinator.sent == []


def test_the_consumers_own_thread_does_not_wait_for_itself():
    """Called from the event loop that would have to carry the request, the answer could never come."""
    coordinator = Coordinator()

    async def from_inside(loop, thread):
        return leave(coordinator, loop, thread)

    with running_loop() as (loop, thread):
        assert asyncio.run_coroutine_threadsafe(from_inside(loop, thread), loop).result(5) is None


def test_a_loop_that_has_ended_is_not_asked():
    """After the consumer was stopped there is nobody to carry the request."""
    with running_loop() as (loop, thread):
        pass
    assert leave(Coordinator(), loop, thread) is None
