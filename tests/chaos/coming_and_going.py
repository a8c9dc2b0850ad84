"""Workers join, leave and are restarted one by one, under live traffic, before the eyes of a reader that never stops.

One worker stays for the whole time: its memory tells whether rebalances leave anything behind. The others come and go so
that there are one, two and three, and every minute each that is there is restarted in turn, as a deployment does it.

`python -m chaos.coming_and_going --minutes 10 --standbys 1 --store rocksdb://` in tests/; finds or starts a broker.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import uuid
from contextlib import ExitStack

import psutil

from chaos.application import application, tell, told
from worker_kit.judge import judge
from worker_kit.process import Worker
from worker_kit.reading import LiveReader, output_topic, wait_until_drained
from worker_kit.touchpoints import Traffic, shuffled, simulated, touchpoints_topic

RATE = 500  # touchpoints a second
MOST_WORKERS = 3
PAUSE_S = 5.0  # between two changes: about what a worker needs to start
ROLL_EVERY_S = 60.0
HEADINGS = (
    "after s",
    "workers",
    "what happened",
    "sent",
    "changes read",
    "gaps",
    "repeats",
    "stayed MiB",
    "others MiB",
)
LINE = "{:>7} {:>7} {:<22} {:>8} {:>12} {:>4} {:>7} {:>10} {:>10}"


class Group:
    """One worker that stays, and up to two that come and go."""

    def __init__(self, settings, folder, stack):
        self._settings, self._folder, self._stack = settings, folder, stack
        self.stays = self._new()
        self.others: list[Worker] = []
        self.exits: list[object] = []

    def _new(self):
        folder = self._folder / uuid.uuid4().hex[:6]
        return self._stack.enter_context(Worker(self._settings, folder))

    def __len__(self):
        return 1 + len(self.others)

    def join(self):
        """One more."""
        self.others.append(self._new())
        return "one joins"

    def leave(self, chance):
        """One less."""
        self._stop(self.others.pop(chance.randrange(len(self.others))))
        return "one leaves"

    def end(self):
        """All of them."""
        for worker in (self.stays, *self.others):
            self._stop(worker)

    def _stop(self, worker):
        code = worker.stop()
        self.exits.append(code)
        if code != 0:
            print(f"stopped with {code}; its log:", worker.log, sep="\n")

    def roll(self):
        """Each in turn: stopped, started, and ready before the next."""
        for worker in self.others:
            self._stop(worker)
            worker.start()
            worker.wait_until_ready()
        return f"{len(self.others)} restarted in turn"

    def change(self, chance):
        """Join or leave, so that there are one to three."""
        if len(self) == MOST_WORKERS or (self.others and chance.random() < 0.5):
            return self.leave(chance)
        return self.join()

    def memory_mib(self):
        """Resident memory: of the worker that stays, and the largest of the others."""
        sizes = [psutil.Process(worker.process.pid).memory_info().rss / 2**20 for worker in (self.stays, *self.others)]
        return sizes[0], max(sizes[1:], default=0.0)


def coming_and_going(settings, folder, *, seconds, seed, say, roll_every_s=ROLL_EVERY_S):
    """(verdict, exit codes of those that were stopped, MiB of the worker that stays at each look)."""
    chance = random.Random(seed)
    log = shuffled(
        seed, simulated(seed, contacts=400, days=int(2 * seconds * RATE / 400) + 1)[: int(2 * seconds * RATE)]
    )
    reader = LiveReader(settings, output_topic(settings, settings.tier_changes_topic))
    traffic = Traffic(settings, log, RATE)
    say(LINE.format(*HEADINGS))
    began, rolled, memory = time.monotonic(), time.monotonic(), []
    with ExitStack() as stack:
        group = Group(settings, folder, stack)
        while (elapsed := time.monotonic() - began) < seconds:
            if group.others and time.monotonic() - rolled > roll_every_s:
                what, rolled = group.roll(), time.monotonic()
            else:
                what = group.change(chance)
            time.sleep(PAUSE_S)
            stays, others = group.memory_mib()
            memory.append(stays)
            assert traffic.is_alive(), "the log is over: what follows proves nothing any more"
            say(
                LINE.format(
                    f"{elapsed:.0f}", len(group), what, traffic.sent, reader.count, reader.gaps, reader.repeats,
                    f"{stays:.0f}", f"{others:.0f}",
                )
            )  # fmt: skip
        traffic.finish()
        wait_until_drained(settings, touchpoints_topic(settings), [group.stays, *group.others])
        group.end()
    reader.finish(settings)
    return judge(settings, folder, seen_live=reader.records), group.exits, memory


def main():
    """The long form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--standbys", type=int, default=0)
    parser.add_argument("--store", default="memory://")
    options = parser.parse_args()
    chosen = {"partitions": options.partitions, "standbys": options.standbys, "store": options.store}
    with application("going", session_timeout=15, **chosen) as (settings, folder):
        verdict, exits, memory = coming_and_going(
            settings, folder, seconds=options.minutes * 60, seed=options.seed, say=tell
        )
    print(
        f"{len(exits)} workers stopped with {dict.fromkeys(exits)}; memory of the worker that stayed: "
        f"{memory[len(memory) // 4]:.0f} MiB after a quarter of the time, {memory[-1]:.0f} MiB at the end; {told(verdict)}"
    )
    return 1 if verdict.faults or set(exits) != {0} else 0


if __name__ == "__main__":
    sys.exit(main())
