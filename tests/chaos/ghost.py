"""The ghost of a commit: the network keeps an EndTxn(commit), its connection breaks, and the broker gets it much later.

A client that asks again and is told "committed" begins its next transaction with the same producer id and epoch. Versions of
EndTxn before Kafka's transaction.version 2 say nothing of which transaction they mean: the ghost commits whatever is open.
"""

from __future__ import annotations

import threading
import time

from chaos.kafka_frames import is_commit
from chaos.proxy_rules import REQUEST, RESPONSE, Call, Hold

# What its transactional id does next -> (API, side, nth) of the frame at which the ghost gets through.
TAKEOVER = {
    "before the next fencing": ("InitProducerId", REQUEST, 1),
    "while fencing": ("InitProducerId", RESPONSE, 1),
}
NEXT_TRANSACTION = {
    "before the next begin": ("AddPartitionsToTxn", REQUEST, 1),
    "after the next begin": ("AddPartitionsToTxn", RESPONSE, 1),
    "after the first write": ("Produce", RESPONSE, 1),
    "after the second write": ("Produce", RESPONSE, 2),
    "before the next end": ("EndTxn", REQUEST, 1),
    "after the next end": ("EndTxn", RESPONSE, 1),
}


class Ghost:
    """Holds the `nth` EndTxn(commit) from now and lets it go at a placement. One at a time: it needs a cleared proxy."""

    def __init__(self, proxy, placement, nth=1, settle_s=0.0):
        """`settle_s`: pause between the broker's answer to it and what comes next; markers are written meanwhile."""
        self.answer = None  # the broker's error code for it: 0 if it committed something
        self.gone = threading.Event()
        self._hold, self._begun = Hold(), False
        self._placement, self._settle_s = placement, settle_s
        proxy.rule("EndTxn", self._hold, matching=is_commit, nth=nth)
        proxy.watch("AddPartitionsToTxn", self._see_begin)
        api, at, number = (TAKEOVER | NEXT_TRANSACTION)[placement]
        proxy.rule(api, Call(self._let_go), at=at, nth=number, matching=self._is_next)

    @property
    def producer(self):
        """Who sent it; None as long as nothing is held."""
        return None if self._hold.exchange is None else self._hold.exchange.producer

    def _see_begin(self, exchange):
        if self.producer is not None and exchange.transactional_id == self.producer.transactional_id:
            self._begun = True

    def _is_next(self, exchange):
        if self.producer is None or exchange.transactional_id != self.producer.transactional_id:
            return False
        return self._begun or self._placement in TAKEOVER

    def _let_go(self, _exchange):
        if self._hold.release():
            self.answer = self._hold.exchange.error_code
        time.sleep(self._settle_s)
        self.gone.set()


class Unheard:
    """Watches for the one thing that makes ghosts dangerous: a producer begins again without having heard of its end."""

    def __init__(self, proxy):
        self.went_on = []  # who did
        self._ended = set()
        proxy.watch("EndTxn", lambda exchange: self._ended.add(exchange.producer))
        proxy.watch("EndTxn", lambda exchange: self._ended.discard(exchange.producer), at=RESPONSE)
        proxy.watch("AddPartitionsToTxn", self._see_begin)

    def _see_begin(self, exchange):
        if exchange.producer in self._ended:
            self.went_on.append(exchange.producer)
