"""When each fetch was asked for. aiokafka dates an answer by when it takes it out of the socket, which may be much later."""

from __future__ import annotations

import time
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import consumer, fetcher


class _DatingFetcher(fetcher.Fetcher):  # type: ignore[misc] # aiokafka is untyped here
    """Notes on each partition's state when the fetch that last told of it was asked for."""

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> Any:
        states = [
            (state, state.timestamp)
            for topic, partitions in request.topics
            for partition, *_ in partitions
            if (state := assignment.state_value(TopicPartition(topic, partition))) is not None
        ]
        asked_s = time.time()
        has_new_records = await super()._proc_fetch_request(assignment, node_id, request)
        for state, dated in states:
            if state.timestamp != dated:  # the answer told of this partition, and was no error
                state.asked_s = asked_s
        return has_new_records


def asked_for(state: Any) -> float | None:
    """When the fetch was asked for that last told of a partition (wall clock, seconds); None: nothing is known of it.

    To be read before anything else in `state`, which another thread fills: then what it tells is not older than this.
    """
    asked_s: float | None = getattr(state, "asked_s", None)
    return asked_s


def date_answers() -> None:
    """Make every aiokafka consumer of this process do so; it leaves no other place to say it."""
    consumer.Fetcher = _DatingFetcher
