"""Workers killed with SIGKILL at random moments, under live traffic, before the eyes of a reader that never stops.

`python -m chaos.kill_rounds --rounds 30 --seed 1` in tests/; needs no broker: it finds or starts one.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from contextlib import ExitStack

from chaos.application import application, tell, told
from worker_kit.judge import judge
from worker_kit.process import Worker
from worker_kit.reading import LiveReader, output_topic, wait_until_drained
from worker_kit.touchpoints import Traffic, nasty, shuffled, simulated, touchpoints_topic

RATE = 1_000  # touchpoints a second
ROUND_AT_MOST_S = 12
HEADINGS = ("round", "worker", "killed", "after s", "sent", "changes read", "gaps", "repeats", "ended by themselves")
LINE = "{:>5} {:>6} {:>9} {:>7} {:>8} {:>12} {:>4} {:>7} {:>19}"


def kill_rounds(settings, folder, *, rounds, seed, workers, say):
    """The verdict over `rounds` kills of one of `workers` workers."""
    chance = random.Random(seed)
    traffic_s = rounds * ROUND_AT_MOST_S
    log = shuffled(
        seed,
        nasty(seed, traffic_s * RATE // 3),
        simulated(seed, contacts=400, days=int(traffic_s * RATE / 400) + 1)[: traffic_s * RATE * 2 // 3],
    )
    reader = LiveReader(settings, output_topic(settings, settings.tier_changes_topic))
    traffic = Traffic(settings, log, RATE)
    say(LINE.format(*HEADINGS))
    with ExitStack() as stack:
        running = [stack.enter_context(Worker(settings, folder / f"worker-{number}")) for number in range(workers)]
        for number in range(1, rounds + 1):
            victim = chance.choice(running)
            victim.keep_running()
            phase, lived_s = wait_for_a_bad_moment(victim, chance)
            victim.kill()
            victim.start()
            for worker in running:
                worker.keep_running()
            assert traffic.is_alive(), "the log is over: the kills prove nothing any more"
            ended = " ".join(str(code) for worker in running for code in worker.exits) or "none"
            say(
                LINE.format(
                    number, running.index(victim), phase, f"{lived_s:.2f}", traffic.sent, reader.count, reader.gaps,
                    reader.repeats, ended,
                )
            )  # fmt: skip
        traffic.finish()
        wait_until_drained(settings, touchpoints_topic(settings), running, restart=True)
        assert [worker.stop() for worker in running] == [0] * workers, [worker.log for worker in running]
    reader.finish(settings)
    return judge(settings, folder, seen_live=reader.records)


def wait_for_a_bad_moment(worker, chance):
    """Sometimes while it starts, joins or recovers, mostly after a first checkpoint: (starting or at work, seconds since)."""
    if chance.random() < 0.3:
        phase, lived_s = "starting", chance.uniform(0.5, 4)
    else:
        worker.wait_until_committed()
        phase, lived_s = "at work", chance.uniform(0, 1.5)
    time.sleep(lived_s)
    return phase, lived_s


def main():
    """The long form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=4)
    options = parser.parse_args()
    # An interval so short that a transaction is nearly always under way.
    with application("kill", partitions=options.partitions, checkpoint_interval=0.02) as (settings, folder):
        started = time.monotonic()
        verdict = kill_rounds(
            settings, folder, rounds=options.rounds, seed=options.seed, workers=options.workers, say=tell
        )
    print(f"{options.rounds} kills of {options.workers} workers in {time.monotonic() - started:.0f} s: {told(verdict)}")
    if not verdict.aborted:
        print("no transaction was interrupted: the kills proved nothing")
    return 1 if verdict.faults or not verdict.aborted else 0


if __name__ == "__main__":
    sys.exit(main())
