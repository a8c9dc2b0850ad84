"""The simulator's command line: what is understood, and what is refused in one line."""

from __future__ import annotations

import pytest

from palier.errors import ConfigurationError
from palier_simulator.arguments import parse
from palier_simulator.rhythm import DAY_MS

NOW_MS = 1_795_300_000_000  # 2026-11-21T22:26:40Z
FILES_END_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MARCH_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z


def span(*arguments: str) -> tuple[int, int]:
    options = parse(arguments, NOW_MS)
    return options.start_ms, options.end_ms


def test_defaults():
    """A year of 2 000 contacts into Kafka, ending now, as fast as possible, half a per cent malformed."""
    options = parse([], NOW_MS)
    assert (options.contacts, options.seed, options.malformed) == (2_000, 1, 0.005)
    assert (options.start_ms, options.end_ms) == (NOW_MS - 365 * DAY_MS, NOW_MS)
    assert (options.rate, options.speed, options.jsonl, options.brokers) == (None, None, None, None)
    assert not options.then_live


def test_a_file_ends_at_a_fixed_moment():
    """The same command makes the same file on any day: without --end a file does not end now."""
    assert span("--jsonl", "-", "--days", "10") == (FILES_END_MS - 10 * DAY_MS, FILES_END_MS)
    assert parse(["--jsonl", "-"], NOW_MS + DAY_MS) == parse(["--jsonl", "-"], NOW_MS)


def test_start_and_days_give_the_end():
    """Any two of start, end and days give the third."""
    assert span("--start", "2026-03-01", "--days", "2.5") == (MARCH_MS, MARCH_MS + int(2.5 * DAY_MS))
    assert span("--end", "2026-03-01T00:00:00Z", "--days", "1") == (MARCH_MS - DAY_MS, MARCH_MS)
    assert span("--start", "2026-03-01T01:00:00+01:00", "--end", "2026-03-02") == (MARCH_MS, MARCH_MS + DAY_MS)


def test_then_live_ends_now():
    """What goes on in real time has a history up to now, also in a file."""
    assert span("--then-live", "--jsonl", "-", "--days", "1") == (NOW_MS - DAY_MS, NOW_MS)
    assert span("--then-live", "--start", "2026-03-01") == (MARCH_MS, NOW_MS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rate", "5", "--speed", "1"], "--speed: not allowed with argument --rate"),
        (["--jsonl", "-", "--brokers", "a:1"], "--brokers: not allowed with argument --jsonl"),
        (["--rate", "0"], "--rate: 0 is not more than 0"),
        (["--speed", "nan"], "--speed: 'nan' is not finite"),
        (["--rate", "fast"], "--rate: 'fast' is not a number"),
        (["--contacts", "0"], "--contacts: 0 is not between 1 and"),
        (["--contacts", "2.5"], "--contacts: '2.5' is not a whole number"),
        (["--malformed", "1"], "--malformed: 1 is not less than 1"),
        (["--malformed", "-0.1"], "--malformed"),
        (["--days", "0"], "--days: 0 is not more than 0"),
        (["--start", "yesterday"], "--start: 'yesterday' is no ISO 8601 moment"),
        (["--end", "2026-11-23"], "--end: lies in the future"),
        (["--start", "2026-11-20", "--days", "9"], "--end: lies in the future"),
        (["--start", "2026-03-02", "--end", "2026-03-01"], "--start: is not before the end"),
        (["--start", "2026-03-01", "--end", "2026-03-02", "--days", "1"], "--days: start and end are fixed already"),
        (["--end", "2026-03-01", "--then-live"], "--end: with --then-live"),
        (["--end", "1970-02-01"], "--start: lies before 1970"),
        (["--contact", "5"], "--contact"),
    ],
)
def test_wrong_arguments_are_named(arguments, words):
    """A wrong argument is refused with its name and what is wrong with it, in one line."""
    with pytest.raises(ConfigurationError) as caught:
        parse(arguments, NOW_MS)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_help_begins_with_examples(capsys):
    """--help shows how it is used before it lists options, and every example is understood."""
    with pytest.raises(SystemExit) as end:
        parse(["--help"], NOW_MS)
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.index("examples:") < text.index("--contacts N")
    examples = [line.split("palier_simulator ")[1] for line in text.splitlines() if "-m palier_simulator --" in line]
    assert len(examples) >= 4
    for example in examples:
        parse(example.split(" | ")[0].split(), NOW_MS)
