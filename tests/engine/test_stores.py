"""One contract for every StateStore: each rule is proved of the store in memory and of the one on disk."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from palier.contracts.stub_key import stub_key
from palier.engine.meta import META_KEY, Meta
from palier.engine.rocksdb_store import CHUNK, RocksStore
from palier.engine.store import Mark, MemoryStore

WEEK_S = 7 * 86_400.0
NOW_MS = int(time.time() * 1000)
KEYS = [b"a", b"b", b"contact-1", b"contact-10", "zoë".encode(), stub_key(b"a", "app"), b"\0", b"\x01", b"\xff" * 40]


def mark_of(number: int) -> Mark:
    """A mark unlike any other number's."""
    return Mark(
        Meta(batch_number=number, positions={"touchpoints": 10 * number}, summary={"n": number}), 3 * number, NOW_MS
    )


@pytest.fixture(params=["memory", "rocksdb"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else RocksStore(tmp_path / "copy", limit_s=WEEK_S)
    yield made
    made.close()


def test_a_new_store_is_empty(store):
    """No mark, no states: the changelog is read from its beginning."""
    assert store.mark is None
    assert list(store.items()) == []
    assert store.get(b"a") is None
    assert len(store) == 0


def test_the_last_word_on_a_key_counts(store):
    """Within one write and over several; None deletes, also what is not there."""
    store.write([(b"a", b"1"), (b"b", b"1"), (b"a", None), (b"a", b"2"), (b"c", None)], mark_of(1))
    store.write([(b"b", b"1"), (b"b", None)], mark_of(2))
    assert dict(store.items()) == {b"a": b"2"}
    assert (store.get(b"a"), store.get(b"b"), store.get(b"c")) == (b"2", None, None)


def test_a_mark_stays_until_the_next(store):
    """States may run ahead of the mark while the changelog is read; a transaction without states moves it all the same."""
    store.write([(b"a", b"1")], mark_of(1))
    store.write([(b"a", b"2")], None)
    assert (store.mark, store.get(b"a")) == (mark_of(1), b"2")
    store.write([], mark_of(2))
    assert store.mark == mark_of(2)


def test_states_may_be_anything(store):
    """Empty ones, large ones, and those of keys as contacts, stubs and META have them."""
    states = {key: bytes([number]) * number for number, key in enumerate([*KEYS, META_KEY])} | {
        b"large": b"x" * 1_000_000
    }
    store.write(states.items(), mark_of(1))
    assert dict(store.items()) == states
    assert all(store.get(key) == value for key, value in states.items())


@pytest.mark.parametrize("count", [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_items_gives_each_once(store, count):
    """Also where the store reads in portions."""
    store.write(((b"%06d" % number, b"x") for number in range(count)), mark_of(1))
    keys = [key for key, _ in store.items()]
    assert len(keys) == count
    assert set(keys) == {b"%06d" % number for number in range(count)}


def test_a_cleared_store_goes_on_as_a_new_one(store):
    """No states, no mark, and it can be written again."""
    store.write([(key, b"old") for key in KEYS], mark_of(1))
    store.clear()
    assert (store.mark, list(store.items()), store.get(b"a"), len(store)) == (None, [], None, 0)
    store.write([(b"a", b"new")], mark_of(2))
    assert (store.mark, list(store.items())) == (mark_of(2), [(b"a", b"new")])


def test_closing_twice_is_no_fault(store):
    """Engine and tests may both tidy up."""
    store.close()
    store.close()


class StoreMachine(RuleBasedStateMachine):
    """A store beside a plain dict and a mark, through any history."""

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[bytes, bytes] = {}
        self.expected_mark: Mark | None = None
        self.writes = 0

    store: MemoryStore | RocksStore

    @rule(
        states=st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.binary(max_size=50)), max_size=12),
        is_marked=st.booleans(),
    )
    def write(self, states, is_marked):
        self.writes += 1
        mark = mark_of(self.writes) if is_marked else None
        self.store.write(iter(states), mark)
        for key, value in states:
            if value is None:
                self.expected.pop(key, None)
            else:
                self.expected[key] = value
        self.expected_mark = mark or self.expected_mark

    @rule()
    def clear(self):
        self.store.clear()
        self.expected, self.expected_mark = {}, None

    @invariant()
    def answers_as_the_dict(self):
        assert self.store.mark == self.expected_mark
        assert sorted(self.store.items()) == sorted(self.expected.items())
        assert [self.store.get(key) for key in KEYS] == [self.expected.get(key) for key in KEYS]

    def teardown(self) -> None:
        self.store.close()


class MemoryMachine(StoreMachine):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()


class RocksMachine(StoreMachine):
    """The same, and now and then it is closed and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="palier-store-")
        self._open()

    def _open(self) -> None:
        self.store = RocksStore(Path(self._folder.name), limit_s=WEEK_S)

    @precondition(lambda self: self.expected_mark is not None)
    @rule()
    def reopen_at_a_mark(self):
        self.store.close()
        self._open()

    @precondition(lambda self: self.expected_mark is None)
    @rule()
    def reopen_without_a_mark(self):
        """Nothing in it counted, so nothing comes back."""
        self.store.close()
        self._open()
        self.expected = {}

    def teardown(self) -> None:
        super().teardown()
        self._folder.cleanup()


@pytest.mark.parametrize(("machine", "examples"), [(MemoryMachine, 100), (RocksMachine, 8)])
def test_any_history(machine, examples):
    """Whatever is written, cleared and reopened: mark and states are those of a plain dict."""
    run_state_machine_as_test(machine, settings=settings(max_examples=examples, stateful_step_count=20, deadline=None))
