"""`palier publish` into a real Kafka: everything arrives, in order, where it belongs, or is reported."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from cli_logs import palier, purchase, touchpoint, write_log
from palier.contracts.decoding import decode_touchpoint
from palier.domain.touchpoint import Touchpoint
from palier.errors import ExitCode
from palier.kafka.partitioning import murmur2
from palier.kafka.reading import read_topic
from palier.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import MakeKafka, MakeSettings


def environment(settings: Settings) -> dict[str, str]:
    """What the command must have in its environment to see the test's topics."""
    return {
        "PALIER_BROKERS": settings.brokers,
        "PALIER_TOPIC_PREFIX": settings.topic_prefix,
        "PALIER_PARTITIONS": str(settings.partitions),
        "PALIER_PARTITIONER": settings.partitioner,
        "PALIER_STARTUP_TIMEOUT": "10",
    }


def published(settings: Settings) -> list[Any]:
    """Every record of the touchpoints topic, in order within a partition."""

    async def read() -> list[Any]:
        topic = f"{settings.topic_prefix}{settings.touchpoints_topic}"
        return [record async for record in read_topic(settings, topic)]

    return asyncio.run(read())


def log_of(contacts: int, each: int) -> list[bytes]:
    """A log in which the contacts take turns."""
    return [
        touchpoint(number, number / 10_000, "page.viewed", contact=f"contact-{number % contacts}")
        for number in range(contacts * each)
    ]


def test_every_touchpoint_arrives_unchanged_keyed_and_in_order(topic_settings: Settings, tmp_path: Path) -> None:
    """The bytes of the line, the contact as key, per contact the order of the log; a worker takes each of them."""
    lines = log_of(contacts=50, each=60)
    done = palier("publish", write_log(tmp_path / "log", lines), **environment(topic_settings))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == "3000 lines: 3000 touchpoints published, 0 refused\n"
    records = published(topic_settings)
    assert sorted(record.value for record in records) == sorted(lines)
    for contact in range(50):
        key = f"contact-{contact}".encode()
        own = [record for record in records if record.key == key]
        assert [record.value for record in own] == lines[contact::50]
        assert {record.partition for record in own} == {(murmur2(key) & 0x7FFFFFFF) % topic_settings.partitions}
    taken = [decode_touchpoint(record.value, record.key, record.timestamp, record.headers) for record in records]
    assert all(isinstance(touchpoint, Touchpoint) for touchpoint in taken)


def test_keys_are_placed_as_the_settings_say_that_upstream_places_them(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    """A backfill must put a contact where upstream's own producer puts it, or the contact has two states."""
    settings = make_settings(partitioner="crc32")
    lines = log_of(contacts=40, each=1)
    assert palier("publish", write_log(tmp_path / "log", lines), **environment(settings)).returncode == 0
    records = published(settings)
    assert len(records) == 40
    assert all(record.partition == zlib.crc32(record.key) % settings.partitions for record in records)


def test_refused_lines_are_reported_and_left_out(topic_settings: Settings, tmp_path: Path) -> None:
    """Number, reason and message as JSON lines; all others are in, and the exit code is 0."""
    lines = [purchase()[0], b"{", purchase()[1], b'{"id": "x"}', b"x" * 1_100_000, purchase()[2]]
    done = palier("publish", write_log(tmp_path / "log", lines), **environment(topic_settings))
    assert done.returncode == 0
    reports = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(report["line"], report["reason"]) for report in reports] == [
        (2, "not-json"),
        (4, "invalid"),
        (5, "too-large"),
    ]
    assert done.stdout.decode() == "6 lines: 3 touchpoints published, 3 refused\n"
    assert len(published(topic_settings)) == 3


def test_the_longest_touchpoint_goes_through(topic_settings: Settings, tmp_path: Path) -> None:
    """What the contract accepts the topic and the producer take: 1 MiB, or the broker's refusal is reported by line."""
    base = touchpoint(0, 0.0, "page.viewed", properties={"filler": ""})
    longest = base.replace(b'"filler": ""', b'"filler": "' + b"x" * (1024 * 1024 - len(base)) + b'"')
    assert len(longest) == 1024 * 1024
    done = palier("publish", write_log(tmp_path / "log", [longest, purchase()[0]]), **environment(topic_settings))
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(published(topic_settings)) == 2


def test_from_line_goes_on_after_a_failure(topic_settings: Settings, tmp_path: Path) -> None:
    """Lines before it are passed over, and counted."""
    done = palier("publish", "--from-line", "4", write_log(tmp_path / "log", purchase()), **environment(topic_settings))
    assert done.stdout.decode() == "8 lines: 5 touchpoints published, 0 refused, 3 passed over\n"
    assert len(published(topic_settings)) == 5


@pytest.mark.parametrize("settings", [{"PALIER_TOPIC_PREFIX": "nobody-made-"}, {"PALIER_PARTITIONS": "3"}])
def test_a_missing_or_wrong_topic_is_one_line_with_the_remedy(
    topic_settings: Settings, tmp_path: Path, settings: dict[str, str]
) -> None:
    """Nothing is sent; exit code 2; no broker may make the topic up."""
    log = write_log(tmp_path / "log", purchase())
    done = palier("publish", log, **{**environment(topic_settings), **settings})
    assert (done.returncode, done.stdout) == (ExitCode.WRONG_USE, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("palier: topic ")
    assert "palier topics --apply" in line or "PALIER_PARTITIONS=4" in line


def test_a_broker_that_goes_away_is_told_with_the_line_to_go_on_with(make_kafka: MakeKafka, tmp_path: Path) -> None:
    """Nothing is lost silently: from the line named on, the log may be sent again."""
    kafka = make_kafka()
    settings = Settings(brokers=kafka.brokers, partitions=4)
    assert palier("topics", "--apply", **environment(settings)).returncode == 0
    lines = log_of(contacts=100, each=1_000)
    log = write_log(tmp_path / "log", lines)
    variables = {**os.environ, **environment(settings), "PALIER_STARTUP_TIMEOUT": "2"}
    command = [sys.executable, "-m", "palier_cli", "publish", str(log)]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not published(settings):
            assert process.poll() is None
        kafka.kill()
        out, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.UNAVAILABLE, (out, err)
    told = re.search(rb"; (\d+) touchpoints are in; go on with --from-line (\d+) ", err)
    assert told is not None, err
    kafka.start()
    first = int(told[2])
    assert {record.value for record in published(settings)} >= set(lines[: first - 1])
    assert palier("publish", "--from-line", str(first), log, **environment(settings)).returncode == 0
    assert {record.value for record in published(settings)} == set(lines)


def test_damaged_gzip_ends_with_65_after_all_before_the_damage_is_in(topic_settings: Settings, tmp_path: Path) -> None:
    """A download that broke off: what it holds is published, what is missing is not passed over in silence."""
    log = tmp_path / "log.gz"
    log.write_bytes(gzip.compress(b"".join(line + b"\n" for line in log_of(contacts=10, each=10)))[:-6])
    done = palier("publish", log, **environment(topic_settings))
    assert (done.returncode, done.stdout) == (ExitCode.DATA, b"")
    assert b"damaged gzip data after line 100" in done.stderr
    assert len(published(topic_settings)) == 100


def test_ctrl_c_says_what_is_in_and_how_to_go_on(topic_settings: Settings, tmp_path: Path) -> None:
    """Exit code 130, and no record in doubt: every line before the one named is in the topic."""
    lines = log_of(contacts=100, each=1_000)
    command = [sys.executable, "-m", "palier_cli", "publish", str(write_log(tmp_path / "log", lines))]
    variables = {**os.environ, **environment(topic_settings)}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not published(topic_settings):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, err
    told = re.search(rb"interrupted: (\d+) touchpoints are in; go on with --from-line (\d+) ", err)
    assert told is not None, err
    values = [record.value for record in published(topic_settings)]
    assert len(values) == int(told[1]) == int(told[2]) - 1
    assert set(values) == set(lines[: len(values)])
