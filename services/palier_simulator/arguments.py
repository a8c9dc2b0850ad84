"""The command line: what may be asked for, and what the answers mean."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, NoReturn

from palier.errors import ConfigurationError
from palier_simulator.rhythm import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILES_END = "2026-01-01T00:00:00Z"  # fixed, so that a file made today and one made tomorrow are the same
DEFAULT_DAYS = 365
EXAMPLES = """\
examples:
  a year of 2 000 contacts as a file, the same bytes on any day
    python -m palier_simulator --jsonl touchpoints.jsonl
  look at the first hundred
    python -m palier_simulator --contacts 50 --days 30 --jsonl - | head -100
  the demo: a year at one day a second into Kafka, then on in real time
    python -m palier_simulator --days 365 --speed 1 --then-live
  a load test: 200 000 contacts as fast as it goes, nothing malformed
    python -m palier_simulator --contacts 200000 --days 60 --malformed 0 --brokers 127.0.0.1:9092
  a steady 500 records a second, with another seed
    python -m palier_simulator --rate 500 --seed 7
"""
DESCRIPTION = """\
Lifelike touchpoints of invented contacts, as upstream applications would publish them: readers, shoppers, fans, critics,
ghosts and bots, campaigns, nightly uploads of stores, late and repeated deliveries, and now and then a malformed record.
"""
EPILOG = """\
The same arguments give the same records, byte for byte. For that, give --end (or --start) when sending to Kafka, where the
simulated time else ends now. Kafka timestamps are always those of sending. Into Kafka, settings come from PALIER_*
variables (brokers, topic, partitioner, security) as for every other command. Ctrl-C and SIGTERM end it in order:
what was handed over is still delivered.

exit codes: 0 done, 2 wrong use or topic missing, 69 broker unreachable, 130 interrupted
"""


@dataclass(frozen=True, slots=True)
class Options:
    """A checked command line. `jsonl` None: to Kafka. `rate` and `speed` both None: as fast as possible."""

    contacts: int
    seed: int
    start_ms: int
    end_ms: int
    malformed: float
    rate: float | None
    speed: float | None
    jsonl: str | None
    brokers: str | None
    then_live: bool
    live_rate: float


class _Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(f"{message}; see --help")


def parse(arguments: Sequence[str], now_ms: int) -> Options:
    """Reads the command line; `now_ms` is the present moment.

    Raises:
        ConfigurationError: one line that names the argument and what is wrong with it.
        SystemExit: --help was asked for and given.
    """
    given = _parser().parse_args(arguments)
    start_ms, end_ms = _span(given, now_ms)
    return Options(
        contacts=given.contacts,
        seed=given.seed,
        start_ms=start_ms,
        end_ms=end_ms,
        malformed=given.malformed,
        rate=given.rate,
        speed=given.speed,
        jsonl=given.jsonl,
        brokers=given.brokers,
        then_live=given.then_live,
        live_rate=given.live_rate,
    )


def _span(given: argparse.Namespace, now_ms: int) -> tuple[int, int]:
    """First and last simulated moment (ms)."""
    start: int | None = given.start
    end: int | None = given.end
    if end is not None and given.then_live:
        raise ConfigurationError("--end: with --then-live simulated time ends now; leave it out")
    if given.days is not None and start is not None and (end is not None or given.then_live):
        raise ConfigurationError("--days: start and end are fixed already; leave it out")
    length = int((DEFAULT_DAYS if given.days is None else given.days) * DAY_MS)
    if end is None:
        if given.then_live:
            end = now_ms
        elif start is not None:
            end = start + length
        else:
            end = now_ms if given.jsonl is None else min(FILES_END_MS, now_ms)
    if start is None:
        start = end - length
    if end > now_ms:
        raise ConfigurationError("--end: lies in the future (touchpoints from there would be refused)")
    if start >= end:
        raise ConfigurationError("--start: is not before the end")
    if start < 0:
        raise ConfigurationError("--start: lies before 1970")
    return start, end


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m palier_simulator",
        usage="python -m palier_simulator [options]",
        description=f"{DESCRIPTION}\n{EXAMPLES}",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    who = parser.add_argument_group("who and when")
    who.add_argument(
        "--contacts", type=_whole(1, 10_000_000), default=2_000, metavar="N", help="how many contacts (%(default)s)"
    )
    who.add_argument(
        "--days", type=_number(more_than=0, at_most=36_500), metavar="D", help=f"simulated days ({DEFAULT_DAYS})"
    )
    who.add_argument("--start", type=_moment, metavar="ISO", help="first moment; without an offset UTC (end - days)")
    who.add_argument(
        "--end", type=_moment, metavar="ISO", help=f"last moment, not in the future (now; for a file {FILES_END})"
    )
    who.add_argument(
        "--seed", type=_whole(0, 2**63 - 1), default=1, metavar="S", help="another seed, other contacts (1)"
    )
    who.add_argument(
        "--malformed",
        type=_number(at_least=0, less_than=1),
        default=0.005,
        metavar="SHARE",
        help="share of records that must be refused (%(default)s)",
    )
    pace = parser.add_argument_group("how fast (without any of these: as fast as possible)")
    throttle = pace.add_mutually_exclusive_group()
    throttle.add_argument("--rate", type=_number(more_than=0), metavar="R", help="records a second")
    throttle.add_argument("--speed", type=_number(more_than=0), metavar="DAYS", help="simulated days a second")
    pace.add_argument("--then-live", action="store_true", help="afterwards go on in real time, without end")
    pace.add_argument(
        "--live-rate",
        type=_number(more_than=0, at_most=10_000),
        default=5.0,
        metavar="R",
        help="records a second in real time, about (%(default)g); visits become more frequent to reach it",
    )
    where = parser.add_argument_group("where to").add_mutually_exclusive_group()
    where.add_argument("--brokers", metavar="HOST:PORT,...", help="Kafka bootstrap servers (PALIER_BROKERS)")
    where.add_argument("--jsonl", metavar="FILE", help="JSON lines into a file instead of Kafka; - for standard output")
    return parser


def _whole(at_least: int, at_most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not at_least <= value <= at_most:
            raise argparse.ArgumentTypeError(f"{value} is not between {at_least} and {at_most}")
        return value

    return read


def _number(
    *,
    more_than: float | None = None,
    at_least: float | None = None,
    less_than: float | None = None,
    at_most: float | None = None,
) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not isfinite(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not finite")
        for limit, words, holds in (
            (more_than, "more than", value.__gt__),
            (at_least, "at least", value.__ge__),
            (less_than, "less than", value.__lt__),
            (at_most, "at most", value.__le__),
        ):
            if limit is not None and not holds(limit):
                raise argparse.ArgumentTypeError(f"{value:g} is not {words} {limit:g}")
        return value

    return read


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 moment such as 2026-01-31T08:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000)


FILES_END_MS = _moment(FILES_END)
