"""How a worker ends: the exit code of the contract, and exactly one clear line on stderr that says what to do."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from palier.kafka.ports import HOST, free_port
from palier.packs import load_pack, pack_source
from palier.settings import Settings
from worker_kit.process import COMMAND, Worker, environment, run_to_its_end
from worker_kit.reading import changelog_topic, output_topic, wait_until_drained
from worker_kit.topics import delete_topic, set_on_topic
from worker_kit.touchpoints import nasty, publish, touchpoints_topic

LEAVE_ABOVE_ENTER = ("leave = { interest = 13 }", "leave = { interest = 25 }")


@pytest.fixture
def settings_of_nobody(tmp_path):
    """Settings for a broker that is not there, with little patience."""
    return Settings(brokers=f"{HOST}:{free_port()}", startup_timeout=1, metrics_port=0, data_dir=tmp_path / "nobody")


@pytest.fixture
def listening():
    """A socket of ours that listens, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def changed_pack(folder, name, *changes):
    """The default pack with some of its text replaced, as a file."""
    text = pack_source(None)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / name
    file.write_text(text)
    return file


def assert_ends(environment, code, *parts):
    """The worker ends by itself with this code, and says one line that has all these parts."""
    found, lines = run_to_its_end(environment)
    assert len(lines) == 1, lines
    assert lines[0].startswith("palier: ")
    assert [part for part in parts if part not in lines[0]] == [], lines[0]
    assert found == code


# --- without a broker -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("variables", "parts"),
    [
        ({"PALIER_PARTITIONS": "many", "PALIER_CLOCK": "sundial"}, ["PALIER_PARTITIONS='many'", "PALIER_CLOCK="]),
        ({"PALIER_STORE": "redis://"}, ["PALIER_STORE='redis://'"]),
        ({"PALIER_BROKERS": "kafka:port"}, ["PALIER_BROKERS='kafka:port'", "host:port"]),
        ({"PALIER_PACK": "/no/such/pack.toml"}, ["/no/such/pack.toml", "No such file"]),
    ],
)
def test_wrong_settings(settings_of_nobody, variables, parts):
    """Exit code 2, and one line that names every wrong variable with its value."""
    assert_ends(environment(settings_of_nobody, **variables), 2, *parts)


def test_a_broken_pack(settings_of_nobody, tmp_path):
    """Exit code 2, and one line that names the file, the member and what is wrong with it."""
    pack = changed_pack(tmp_path, "broken.toml", LEAVE_ABOVE_ENTER)
    assert_ends(environment(settings_of_nobody, PALIER_PACK=str(pack)), 2, "broken.toml", "engaged", "25", "19")


def test_nobody_answers(settings_of_nobody):
    """Exit code 69 after PALIER_STARTUP_TIMEOUT, and the address that was tried."""
    started = time.monotonic()
    assert_ends(environment(settings_of_nobody), 69, settings_of_nobody.brokers, "within 1 s", "PALIER_BROKERS")
    assert time.monotonic() - started < 15


def test_something_answers_that_is_no_kafka(settings_of_nobody, listening):
    """A port that takes connections and stays silent is an unreachable broker too."""
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    assert_ends(environment(settings_of_nobody, PALIER_BROKERS=address), 69, address, "PALIER_BROKERS")


@pytest.mark.parametrize("seconds", [0.0, 2.0], ids=["importing", "waiting for a broker"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_before_there_is_anything_to_drain(settings_of_nobody, seconds, number, code):
    """It ends at once. As PID 1 of a container it would not even hear a signal for which it has no handler."""
    patient = environment(settings_of_nobody, PALIER_STARTUP_TIMEOUT="60")
    with subprocess.Popen(COMMAND, env=patient, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: handles_sigterm(process))
        time.sleep(seconds)
        process.send_signal(number)
        assert (process.wait(2), process.stderr.read()) == (code, "")


# --- with a broker that is not as it should be ------------------------------------------------------------------------------
@pytest.mark.kafka
def test_a_missing_topic(topic_settings):
    """Exit code 2, the name of the topic and the command that makes it."""
    topic = output_topic(topic_settings, topic_settings.tier_current_topic)
    delete_topic(topic_settings, topic)
    assert_ends(environment(topic_settings), 2, topic, "missing", "palier topics --apply")


@pytest.mark.kafka
def test_another_number_of_partitions(topic_settings):
    """Exit code 2: contacts would be looked for in the wrong places. The line tells the number to set."""
    assert_ends(environment(topic_settings, PALIER_PARTITIONS="8"), 2, "partition", "PALIER_PARTITIONS=4")


@pytest.mark.kafka
def test_a_changelog_that_forgets(topic_settings):
    """Exit code 2: a changelog whose records are deleted by age would lose contacts."""
    topic = changelog_topic(topic_settings)
    set_on_topic(topic_settings, topic, "cleanup.policy", "delete")
    assert_ends(environment(topic_settings), 2, topic, "cleanup.policy", "compact")


@pytest.mark.kafka
def test_the_metrics_port_is_taken(topic_settings, listening):
    """Exit code 2, and the variable to change."""
    port = str(listening.getsockname()[1])
    assert_ends(environment(topic_settings, PALIER_METRICS_PORT=port), 2, port, "PALIER_METRICS_PORT")


@pytest.mark.kafka
def test_a_data_folder_that_cannot_be_made(topic_settings, tmp_path):
    """Exit code 2, and the variable to change."""
    (tmp_path / "file").touch()
    folder = str(tmp_path / "file" / "data")
    assert_ends(environment(topic_settings, PALIER_DATA_DIR=folder), 2, f"PALIER_DATA_DIR={folder}", "Not a directory")


@pytest.mark.kafka
def test_only_a_newer_pack_may_follow(topic_settings, tmp_path):
    """Exit code 2 for an older pack, and for another one of the same version; a newer one goes on."""
    first = load_pack(None).version
    version = f"version = {first}"
    second = changed_pack(tmp_path, "second.toml", (version, "version = 1002"))
    other_second = changed_pack(tmp_path, "other.toml", (version, "version = 1002"), ("{ interest = 19 }", "{ interest = 18 }"))  # fmt: skip
    third = changed_pack(tmp_path, "third.toml", (version, "version = 1003"))
    publish(topic_settings, nasty(1, 300))
    with Worker(topic_settings, tmp_path / "worker", PALIER_PACK=str(second)) as worker:
        wait_until_drained(topic_settings, touchpoints_topic(topic_settings), [worker])
        assert worker.stop() == 0, worker.log
    for pack, version in ((None, first), (other_second, 1002)):
        chosen = {} if pack is None else {"PALIER_PACK": str(pack)}
        code, lines = run_to_its_end(environment(topic_settings, **chosen))
        assert code == 2
        assert [line for line in lines if "INFO" not in line] == lines[-1:], lines
        assert f"rule pack default {version} " in lines[-1]
        assert "raise the pack's version" in lines[-1]
    with Worker(topic_settings, tmp_path / "newer", PALIER_PACK=str(third)) as worker:
        worker.wait_until_ready()
        assert worker.stop() == 0, worker.log


# --- signals ----------------------------------------------------------------------------------------------------------------
@pytest.mark.kafka
def test_sigterm_drains(topic_settings, tmp_path):
    """Whenever it comes, in the middle of joining and recovering too: 0 within 10 s, and nothing but information said."""
    publish(topic_settings, nasty(1, 3_000))
    with Worker(topic_settings, tmp_path) as worker:
        for seconds in (0.0, 0.4, 1.2, 2.0):  # joining the group, fencing, recovering, at work
            wait_for(lambda: worker.endpoint)
            time.sleep(seconds)
            assert worker.stop(limit_s=10) == 0, worker.log
            worker.start()
        wait_until_drained(topic_settings, touchpoints_topic(topic_settings), [worker])
        assert worker.stop(limit_s=10) == 0, worker.log
        assert "palier: " not in worker.log


@pytest.mark.kafka
def test_sigint_and_a_second_signal(topic_settings, tmp_path):
    """Ctrl-C drains as well, and ends with 130. Whoever cannot wait asks twice, and is told what that means."""
    with Worker(topic_settings, tmp_path) as worker:
        worker.wait_until_ready()
        assert worker.stop(signal.SIGINT, limit_s=10) == 130, worker.log
        assert "palier: " not in worker.log
        worker.start()
        worker.wait_until_ready()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.stop(signal.SIGINT, limit_s=2) == 130, worker.log
        assert worker.log.splitlines()[-1].startswith("palier: second signal")
        assert "Traceback" not in worker.log


def handles_sigterm(process):
    """Whether the process has a handler of its own, by Linux's book (elsewhere it is given half a second)."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except FileNotFoundError:
        time.sleep(0.5)
        return True
    return int(status.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGTERM - 1) & 1


def wait_for(condition, limit_s=20):
    """Until a condition holds."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
