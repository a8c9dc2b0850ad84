"""Each way a step can fail: a line that says what and what to do, and the exit that fits."""

from __future__ import annotations

import pytest
from aiokafka import errors as kafka

from palier.contracts.brokers import TRANSACTION_TIMEOUT_MS
from palier.engine import commands as c
from palier.engine.failures import STEPS, failure_of
from palier.errors import ConfigurationError, DataError, ExitCode

COMMIT, WRITE, FENCE = c.Commit(), c.SendOutputs(), c.Fence()


def failed(error, command=COMMIT, open_s=0.1):
    """What becomes of an error in partition 3."""
    return failure_of(error, command, 3, limit_s=60, open_s=open_s)


def wrapped(error):
    """As aiokafka's sender hands on what it did not expect."""
    outer = kafka.KafkaError("Unexpected error during batch delivery")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "command", "code", "parts"),
    [
        (kafka.ProducerFenced(), COMMIT, 70, ["fenced", "newer producer", "transactional id"]),
        (TimeoutError(), COMMIT, 70, ["committing", "not done within 60 s", "in sync"]),
        (kafka.KafkaConnectionError("gone"), FENCE, 70, ["taking it over", "the broker is away"]),
        (kafka.NodeNotReadyError(), c.MeasureLogs(), 70, ["looking for open transactions", "the broker is away"]),
        (ConnectionResetError(), WRITE, 70, ["writing outputs", "the broker is away", "ConnectionResetError"]),
        (wrapped(kafka.InvalidTxnState()), COMMIT, 70, ["committing", "no such open transaction"]),
        (wrapped(kafka.InvalidProducerIdMapping()), COMMIT, 70, ["has forgotten our producer"]),
        (kafka.UnknownProducerId(), WRITE, 70, ["has forgotten our producer"]),
        (kafka.OutOfOrderSequenceNumber(), WRITE, 70, ["lacks records", "acknowledged"]),
        (kafka.InvalidTimestampError(), WRITE, 70, ["writing outputs", "clock", "message.timestamp.after.max.ms"]),
        (kafka.InvalidTransactionTimeout(), FENCE, 2, ["transaction.max.timeout.ms", str(TRANSACTION_TIMEOUT_MS)]),
        (kafka.TopicAuthorizationFailedError({"b", "a"}), WRITE, 2, ["a, b", "grant"]),
        (kafka.TopicAuthorizationFailedError("a"), WRITE, 2, ["write to a:", "grant"]),
        (kafka.TransactionalIdAuthorizationFailed("palier-p3"), FENCE, 2, ["transactional id palier-p3", "grant"]),
        (kafka.MessageSizeTooLargeError(), WRITE, 65, ["writing outputs", "max.message.bytes", "palier topics"]),
        (kafka.RecordListTooLargeError(), WRITE, 65, ["segment.bytes"]),
        (wrapped(kafka.PolicyViolationError()), COMMIT, 70, ["Kafka refuses", "PolicyViolationError"]),
        (ZeroDivisionError("division"), COMMIT, 70, ["committing", "ZeroDivisionError('division')"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_is_said_and_how_the_process_ends(error, command, code, parts):
    """70 where a restart mends it, 2 and 65 where somebody must do something, which the line names."""
    event = failed(error, command)
    assert event.code == code
    assert event.what.startswith("partition 3")
    assert [part for part in parts if part not in event.what] == []
    assert "\n" not in event.what
    assert "KafkaError(" not in event.what


@pytest.mark.parametrize("error", [DataError("damaged"), ConfigurationError("wrong")])
def test_errors_of_ours_have_their_own_words_and_code(error):
    """They name place and remedy already."""
    event = failed(error)
    assert (event.what, event.code) == (str(error), error.exit_code)


def test_a_transaction_that_the_broker_gave_up_is_told_from_a_newer_owner():
    """Both come as the same error; what tells them apart is how long the transaction was open."""
    limit_s = TRANSACTION_TIMEOUT_MS / 1000
    event = failed(kafka.ProducerFenced(), open_s=limit_s + 1)
    assert event.code == ExitCode.INTERNAL
    assert "was open for 31 s" in event.what
    assert "fenced by a newer producer" in failed(kafka.ProducerFenced(), open_s=limit_s - 1).what
    assert "fenced by a newer producer" in failed(kafka.ProducerFenced(), c.Begin(1, {}), open_s=limit_s + 1).what


def test_every_step_that_talks_to_kafka_has_words():
    """None is told by the name of a class."""
    without = {c.Recover, c.MeasureSource, c.Seek, c.Fold, c.Release, c.Exit}  # carried out elsewhere
    assert set(STEPS) == set(c.Command.__args__) - without
