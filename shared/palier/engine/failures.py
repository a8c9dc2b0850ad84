"""What a failed step means, in one line that an operator can act on, and how the process ends because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import errors as kafka

from palier.contracts.brokers import TRANSACTION_TIMEOUT_MS
from palier.engine import commands as c
from palier.engine.events import Failed
from palier.errors import ExitCode, PalierError

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS: Mapping[type[c.Command], str] = {
    c.Fence: "taking it over",
    c.MeasureLogs: "looking for open transactions",
    c.EndHanging: "undoing an open transaction",
    c.ReadChangelogTail: "reading the last transaction",
    c.ReadOutput: "reading the last transaction",
    c.WriteAgain: "completing the last transaction",
    c.Begin: "beginning a transaction",
    c.SendOutputs: "writing outputs",
    c.SendChangelog: "writing the changelog",
    c.Commit: "committing",
}
IN_TRANSACTION = (c.SendOutputs, c.SendChangelog, c.Commit)

MEANINGS: Mapping[type[kafka.KafkaError], tuple[str, ExitCode]] = {
    kafka.InvalidTxnState: (
        "the broker knows no such open transaction: somebody else has ended it, or a write came too late for it",
        ExitCode.INTERNAL,
    ),
    kafka.InvalidProducerIdMapping: (
        "the broker has forgotten our producer (transactional.id.expiration.ms)",
        ExitCode.INTERNAL,
    ),
    kafka.UnknownProducerId: ("the partition's leader has forgotten our producer", ExitCode.INTERNAL),
    kafka.OutOfOrderSequenceNumber: (
        "the partition's leader lacks records that were acknowledged; look at its brokers' logs",
        ExitCode.INTERNAL,
    ),
    kafka.InvalidTimestampError: (
        "the broker refuses records from so far in its future: set this machine's clock (message.timestamp.after.max.ms)",
        ExitCode.INTERNAL,
    ),
    kafka.InvalidTransactionTimeout: (
        f"brokers refuse transactions of {TRANSACTION_TIMEOUT_MS} ms: raise their transaction.max.timeout.ms",
        ExitCode.WRONG_USE,
    ),
    kafka.MessageSizeTooLargeError: (
        "a record is larger than its topic takes: `palier topics` tells what max.message.bytes must be",
        ExitCode.DATA,
    ),
    kafka.RecordListTooLargeError: (
        "a batch is larger than a segment of its topic: raise the topic's segment.bytes",
        ExitCode.DATA,
    ),
}


def failure_of(error: BaseException, command: c.Command, partition: int, *, limit_s: float, open_s: float) -> Failed:
    """The event that ends the process, since going on would guess.

    Args:
        error: what carrying out `command` raised.
        command: a step of the protocol.
        partition: its number, for the line.
        limit_s: how long the step may take.
        open_s: seconds since the latest transaction began, if `command` belongs to one.
    """
    error = _first_cause(error)
    if isinstance(error, PalierError):
        return Failed(str(error), error.exit_code)
    if isinstance(error, kafka.ProducerFenced):
        return _fenced(partition, open_s if isinstance(command, IN_TRANSACTION) else 0.0)
    why, code = _meaning(error, limit_s)
    return Failed(f"partition {partition}, {STEPS.get(type(command), type(command).__name__)}: {why}", code)


def _fenced(partition: int, open_s: float) -> Failed:
    """Our epoch is no longer the newest. Brokers tell old clients, and aiokafka is one, not why; the time does."""
    limit_s = TRANSACTION_TIMEOUT_MS // 1000
    if open_s >= limit_s:
        return Failed(
            f"partition {partition}: a transaction was open for {open_s:.0f} s; after {limit_s} s the broker aborts it and "
            "shuts its producer out, if another worker has not done so before"
        )
    return Failed(
        f"partition {partition}: fenced by a newer producer with our transactional id: another worker owns it now, or "
        "somebody else uses the id"
    )


def _meaning(error: BaseException, limit_s: float) -> tuple[str, ExitCode]:
    """What went wrong and what to do, without the place."""
    for known, meaning in MEANINGS.items():
        if isinstance(error, known):
            return meaning
    code = ExitCode.INTERNAL
    match error:
        case TimeoutError():
            why = f"not done within {limit_s:.0f} s: the broker is away or slow, or too few replicas are in sync"
        case kafka.KafkaConnectionError() | kafka.NodeNotReadyError() | kafka.RequestTimedOutError() | OSError():
            why = f"the broker is away ({type(error).__name__})"
        case kafka.TopicAuthorizationFailedError(args=[topics, *_]):
            named = topics if isinstance(topics, str) else ", ".join(sorted(topics))
            why, code = f"we may not write to {named}: grant Write", ExitCode.WRONG_USE
        case kafka.TransactionalIdAuthorizationFailed(args=args):
            why, code = f"we may not use the transactional id {' '.join(args)}: grant Write", ExitCode.WRONG_USE
        case kafka.KafkaError():
            why = f"Kafka refuses: {error}"
        case _:
            why = repr(error)
    return why, code


def _first_cause(error: BaseException) -> BaseException:
    """What aiokafka did not expect, it wraps in a plain KafkaError that says nothing."""
    while type(error) is kafka.KafkaError and error.__cause__ is not None:
        error = error.__cause__
    return error
