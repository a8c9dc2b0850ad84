"""The devices that faults are made with do what faults count on."""

from __future__ import annotations

import errno
import subprocess
import sys
from contextlib import closing

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from chaos.clocks import DAY_S, HOUR_S, WallClock
from chaos.cluster import GROUP, NUMBERS, TRANSACTION, ThreeBrokers, pause, resume
from chaos.disks import SmallDisk, can_mount, no_file_longer_than
from worker_kit.silence import now_ms

SLOW_MS = 5_000  # a process on a busy machine


# --- three brokers --------------------------------------------------------------------------------------------------------
@pytest.mark.kafka
def test_three_brokers_bear_the_loss_of_any_one(tmp_path, kafka):
    """Who does what is known. With the one gone that does most, another takes over and writes still count twice."""
    with ThreeBrokers(tmp_path) as brokers:
        admin = AdminClient({"bootstrap.servers": brokers.brokers})
        admin.create_topics([NewTopic("topic", 1, 3)])["topic"].result()
        assert brokers.coordinator(GROUP, "group") in NUMBERS
        coordinator = brokers.coordinator(TRANSACTION, "transactional")
        controller, leader = brokers.controller(), brokers.leader("topic")
        assert {coordinator, controller, leader} <= set(NUMBERS)
        pause(brokers[leader])
        resume(brokers[leader])
        brokers[leader].kill()
        producer = Producer({"bootstrap.servers": brokers.brokers, "acks": "all", "log_level": 0})
        producer.produce("topic", b"value")
        assert producer.flush(20) == 0
        assert brokers.leader("topic") != leader
        assert brokers.controller() != leader
        brokers.start()
        assert brokers[leader].pid is not None


# --- clocks ---------------------------------------------------------------------------------------------------------------
TELL_TIME = (
    "import sys, time\nfor _ in sys.stdin: print(time.time_ns() // 10**6, time.monotonic_ns() // 10**6, flush=True)"
)


def test_a_clock_jumps_under_a_running_process(tmp_path):
    """By an hour or 400 days, forward and back; what measures durations goes on as if nothing were."""
    clock = WallClock(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", TELL_TIME],
        env=clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    began_ms = now_ms()

    def times():
        process.stdin.write("\n")
        process.stdin.flush()
        return map(int, process.stdout.readline().split())

    with process, closing(process.stdin):
        _, first_ms = times()
        for ahead_s in (0, HOUR_S, -HOUR_S, 400 * DAY_S, -400 * DAY_S, 0):
            clock.set_ahead(ahead_s)
            wall_ms, monotonic_ms = times()
            assert abs(wall_ms - now_ms() - ahead_s * 1_000) < SLOW_MS
            assert abs(clock.now_ms() - wall_ms) < SLOW_MS
            assert 0 <= monotonic_ms - first_ms <= now_ms() - began_ms + 1


# --- disks ----------------------------------------------------------------------------------------------------------------
def test_a_small_disk_fills_up_and_has_room_again(tmp_path):
    """Full is full: not a page more; afterwards everything goes, and nothing stays mounted."""
    if not can_mount(tmp_path / "disk"):
        pytest.skip("no right to mount")
    written = tmp_path / "disk" / "written"
    with SmallDisk(tmp_path / "disk", 2) as disk:
        disk.fill(leave_bytes=8_192)
        written.write_bytes(bytes(8_192))
        with pytest.raises(OSError, match="No space left") as full, written.open("ab") as file:
            file.write(bytes(8_192))
        assert full.value.errno == errno.ENOSPC
        disk.free()
        written.write_bytes(bytes(1 << 20))
    assert not written.exists()


APPEND = """
import sys
for _ in sys.stdin:
    try:
        with open(sys.argv[1], "ab") as file:
            file.write(bytes(10_000))
        print(0, flush=True)
    except OSError as error:
        print(error.errno, flush=True)
"""


def test_files_of_a_process_are_kept_short_and_set_free(tmp_path):
    """What whoever may not mount has instead: writes fail, the process lives, and later they succeed."""
    command = [sys.executable, "-c", APPEND, str(tmp_path / "file")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def append():
        process.stdin.write("\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    with process, closing(process.stdin):
        assert append() == 0
        with no_file_longer_than(process.pid, 15_000):
            assert append() == errno.EFBIG
        assert append() == 0
