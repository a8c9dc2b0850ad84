"""What a proxy may do to a frame, and to which: rules that a test sets, in the words of the faults they make."""

from __future__ import annotations

import asyncio
import threading
import time

from chaos.kafka_frames import API_NAMES

REQUEST, RESPONSE = "request", "response"


class Rule:
    """Which frames of an API an action strikes: after `nth` - 1 that match, the next `times` (None: all)."""

    def __init__(self, api, action, *, at=REQUEST, matching=None, nth=1, times=1):
        """`at`: REQUEST, before it is forwarded, or RESPONSE, when the broker has answered and nobody heard it yet.

        `matching`: a predicate on the Exchange.
        """
        assert api in API_NAMES.values(), f"{api} is no API of the table"
        self.api, self.action, self.at = api, action, at
        self._matching, self._left_out, self._left = matching, nth - 1, times
        self._changed = threading.Condition()
        self.struck = 0
        self.struck_at_s = None  # the last time (monotonic)

    def takes(self, exchange, at):
        """Whether it strikes this frame, which counts then."""
        if at != self.at or exchange.api != self.api or not (self._matching is None or self._matching(exchange)):
            return False
        with self._changed:
            if self._left_out:
                self._left_out -= 1
                return False
            if self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            self.struck += 1
            self.struck_at_s = time.monotonic()
            self._changed.notify_all()
            return True

    def wait(self, limit_s, strikes=1):
        """Until it has struck that often; False if it has not within `limit_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.struck >= strikes, limit_s)

    def lift(self):
        """Strike no more."""
        with self._changed:
            self._left = 0


class Delay:
    """The frame comes `seconds` later, and so does all that follows it on this connection."""

    def __init__(self, seconds):
        self._seconds = seconds

    async def strike(self, exchange, link):
        """Forward it late."""
        await asyncio.sleep(self._seconds)
        return True


class Drop:
    """The frame gets lost, the connection stays.

    A client that pairs answers by order notices at the next one. With `mute` it never does: all that comes later on this
    connection, in either direction, is lost too.
    """

    def __init__(self, *, mute=False):
        self._mute = mute

    async def strike(self, exchange, link):
        """Forward nothing."""
        if self._mute:
            link.mute()
        return False


class Cut:
    """The connection breaks. At a request the broker never saw it, at a response it has done what was asked."""

    async def strike(self, exchange, link):
        """Close both sides."""
        link.cut()
        return False


class Hold:
    """A ghost: the network keeps a request, the client's connection breaks, and later the broker gets it nevertheless."""

    def __init__(self):
        self._link = self.exchange = self._loop = None
        self._answered = threading.Event()

    async def strike(self, exchange, link):
        """Keep it; only the client's side is closed."""
        self.exchange, self._link, self._loop = exchange, link, asyncio.get_running_loop()
        link.cut_client()
        return False

    def release(self, limit_s=10):
        """Hand it to the broker, from any thread but the proxy's own; whether the exchange is complete then."""
        assert self.exchange is not None, "nothing was held"
        self._loop.call_soon_threadsafe(self._link.send_late, self.exchange, self._answered.set)
        return self._answered.wait(limit_s)


class Call:
    """Something happens elsewhere at this very moment: the frame waits until the function has returned."""

    def __init__(self, function):
        """`function`: gets the Exchange, in a thread of its own; may block, which holds the frame as long."""
        self._function = function
        self.failures = []

    async def strike(self, exchange, link):
        """Call it, then forward the frame."""
        try:
            await asyncio.to_thread(self._function, exchange)
        except Exception as error:  # noqa: BLE001 - told by the proxy at its end; the frame must go on in any case
            self.failures.append(error)
        return True
