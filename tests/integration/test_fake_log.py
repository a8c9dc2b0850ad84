"""What the protocol's histories are worth depends on the fake log being Kafka."""

from __future__ import annotations

from chaos.model_traces import figures, repeat, traces


def test_a_real_broker_answers_as_the_fake_log_does(kafka):
    """Errors, offsets, last stable offsets, high watermarks, and what both kinds of readers see; in short form."""
    chosen = traces(16, 1, time_outs=False)
    assert repeat(kafka.brokers, chosen) == []
    met = figures(chosen)
    for what in ("append: error 45", "append: error 47", "append: error 48", "end_transaction: error 48"):
        assert met[what], what
