"""What only the store on disk can get wrong: death in the middle, damage, age, locks, files left open."""

from __future__ import annotations

import builtins
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_kit.store_writer import WRITTEN_MS, batch, expected, mark
from palier.engine import rocksdb_limits, rocksdb_store
from palier.engine.rocksdb_store import CLOCK_SLACK_S, FORMAT_VERSION, MARK_KEY, RocksStore
from palier.errors import ConfigurationError, InternalError

LIMIT_S = 1_000.0
NOW_S = WRITTEN_MS / 1000


@pytest.fixture(autouse=True)
def forget_blocks():
    """The cache of the process knows a block by its file's identity, which copies of a file share."""
    rocksdb_limits._shared.cache_clear()


def open_store(folder: Path, after_s: float = 0.0, log: str = "changelog") -> RocksStore:
    """The store in a folder, `after_s` seconds later."""
    return RocksStore(folder, limit_s=LIMIT_S, log=log, now_s=lambda: NOW_S + after_s)


def contents(store: RocksStore) -> dict[bytes, bytes]:
    """All states; both ways of reading agree."""
    states = dict(store.items())
    assert all(store.get(key) == value for key, value in states.items())
    return states


@pytest.fixture
def folder(tmp_path):
    """A copy at transaction 3, closed."""
    store = open_store(tmp_path / "copy")
    for number in (1, 2, 3):
        store.write(batch(number).items(), mark(number))
    store.close()
    return tmp_path / "copy"


def test_a_copy_goes_on_at_its_mark(folder):
    """After a restart the states are those of the mark, and the changelog is read on from there."""
    store = open_store(folder)
    assert store.mark == mark(3)
    assert contents(store) == expected(3)
    store.close()


def test_kill_nine_leaves_a_consistent_copy(tmp_path):
    """After kill -9 in the middle of writing, mark and states agree, and nothing that had been written is missing."""
    reached, chance = 0, Random(7)
    for _ in range(6):
        command = [sys.executable, "-m", "engine_kit.store_writer", str(tmp_path / "copy")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as writer:
            for _ in range(chance.randint(20, 80)):
                assert writer.stdout.readline(), "the writer ended by itself"
            time.sleep(chance.uniform(0, 0.002))  # a batch takes about one millisecond, half of it the write itself
            writer.kill()
            written = [int(line) for line in writer.stdout.read().split()]
        store = open_store(tmp_path / "copy", log="")
        number = store.mark.meta.batch_number
        assert number >= max(written, default=reached + 20)
        assert store.mark == mark(number)
        assert contents(store) == expected(number)
        assert number > reached
        reached = number
        store.close()
    assert list((tmp_path / "copy").glob("*.sst")), "it wrote enough for more than the write-ahead log"


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    """Files of a copy as a crash leaves them: transactions 1 to 20 in sorted tables, 21 to 40 in the write-ahead log."""
    root = tmp_path_factory.mktemp("crashed")
    for numbers in (range(1, 11), range(11, 21), range(21, 41)):
        store = open_store(root / "alive")
        for number in numbers:
            store.write(batch(number).items(), mark(number))
        if numbers[-1] == 40:
            shutil.copytree(root / "alive", root / "crashed")
        store.close()
    return root / "crashed"


def read_or_throw_away(folder: Path) -> int:
    """Number of the transaction that the copy stands at, 0: thrown away. Fails if anything else is served."""
    rocksdb_limits._shared.cache_clear()
    try:
        store = open_store(folder)
        states = contents(store)
        number = store.mark.meta.batch_number if store.mark else 0
        assert states == (expected(number) if number else {})
        store.write([(b"new", b"1")], mark(1_000))
    except InternalError as error:
        assert "thrown away" in str(error)  # noqa: PT017 - one of two good ends
        store = open_store(folder)
        assert (store.mark, contents(store)) == (None, {})
        number = 0
    store.close()
    return number


@pytest.mark.parametrize("pattern", ["*.sst", "*.log", "MANIFEST-*", "[CIOr]*"])
@settings(max_examples=10, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), flipped=st.integers(1, 255), which=st.integers(0, 9))
def test_flipped_bytes_are_never_served(crashed, pattern, where, flipped, which):
    """One byte of any file is changed: the copy is thrown away, or an older one, or nothing that matters was hit."""
    with tempfile.TemporaryDirectory(prefix="palier-store-") as root:
        folder = shutil.copytree(crashed, Path(root) / "copy")
        files = sorted(file for file in folder.glob(pattern) if file.stat().st_size)
        file = files[which % len(files)]
        data = bytearray(file.read_bytes())
        data[int(where * len(data))] ^= flipped
        file.write_bytes(data)
        number = read_or_throw_away(folder)
        assert number in {0, 40} or pattern == "*.log"


@settings(max_examples=10, deadline=None)
@given(where=st.floats(0, 1))
def test_a_crash_at_any_byte_leaves_a_consistent_copy(crashed, where):
    """The write-ahead log ends anywhere, as if the machine had died: the copy stands at the transaction before."""
    with tempfile.TemporaryDirectory(prefix="palier-store-") as root:
        folder = shutil.copytree(crashed, Path(root) / "copy")
        (log,) = folder.glob("*.log")
        os.truncate(log, int(where * log.stat().st_size))
        number = read_or_throw_away(folder)
        assert abs(number - (20 + 20 * where)) <= 1, "it is the newest whole one"


@pytest.mark.parametrize("pattern", ["*.sst", "MANIFEST-*", "CURRENT"])
@pytest.mark.parametrize("kept", [None, 0.5])
def test_lost_files_are_never_served(crashed, tmp_path, pattern, kept):
    """Files that are gone or cut short: the copy is thrown away."""
    folder = shutil.copytree(crashed, tmp_path / "copy")
    for file in folder.glob(pattern):
        if kept is None:
            file.unlink()
        else:
            os.truncate(file, int(file.stat().st_size * kept))
    assert read_or_throw_away(folder) == 0


def test_an_unreadable_block_does_not_look_like_the_end(crashed, tmp_path):
    """Iterators of rocksdict end there without a word; items() must not: half of the timers would be missing."""
    folder = shutil.copytree(crashed, tmp_path / "copy")
    for file in folder.glob("*.sst"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    store = open_store(folder)
    with pytest.raises(InternalError, match=r"cannot read: Corruption.*thrown away"):
        list(store.items())
    store = open_store(folder)
    assert store.mark is None
    store.close()


@pytest.mark.parametrize(
    ("after_s", "is_kept"),
    [(LIMIT_S, True), (LIMIT_S + 1, False), (-CLOCK_SLACK_S, True), (-CLOCK_SLACK_S - 1, False)],
)
def test_an_old_copy_is_thrown_away(folder, caplog, after_s, is_kept):
    """Older than deletions are kept, or from the future: it may hold contacts that the changelog has long forgotten."""
    with caplog.at_level(logging.WARNING):
        store = open_store(folder, after_s)
    assert (store.mark is not None) == is_kept
    assert contents(store) == (expected(3) if is_kept else {})
    assert len(caplog.messages) == (not is_kept)
    store.close()


def _other_format(data: bytes) -> bytes:
    return bytes((FORMAT_VERSION + 1,)) + data[1:]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_other_format, "its format is 02"),
        (lambda _: b"", "its format is missing"),
        (lambda data: data[:5], "its mark cannot be read"),
        (lambda data: data[:-3], "its mark cannot be read"),
    ],
)
def test_a_mark_that_this_version_cannot_read(folder, caplog, change, why):
    """The copy is thrown away with one line that says why and names no contact; then it works as a new one."""
    store = open_store(folder)
    store._db.put(MARK_KEY, change(store._db.get(MARK_KEY)))
    store.close()
    with caplog.at_level(logging.WARNING):
        store = open_store(folder)
    assert (store.mark, contents(store)) == (None, {})
    (line,) = caplog.messages
    assert why in line
    assert "every-" not in line
    store.write(batch(1).items(), mark(1))
    store.close()
    store = open_store(folder)
    assert store.mark == mark(1)
    store.close()


def test_the_copy_of_another_changelog_is_thrown_away(folder, caplog):
    """Two applications may have used one folder; offsets of one mean nothing in the other."""
    with caplog.at_level(logging.WARNING):
        store = open_store(folder, log="another")
    assert (store.mark, contents(store)) == (None, {})
    assert "of another changelog, 'changelog'" in caplog.text
    store.close()


def test_states_without_a_mark_do_not_count(tmp_path, caplog):
    """A first recovery that was interrupted may hold what was deleted since: it begins again, with a line."""
    store = open_store(tmp_path)
    store.write(batch(1).items(), None)
    store.close()
    with caplog.at_level(logging.WARNING):
        store = open_store(tmp_path)
    assert (store.mark, contents(store)) == (None, {})
    assert "it has no mark" in caplog.text
    store.close()


def test_a_new_copy_is_no_news(tmp_path, caplog):
    """The first start of a worker logs no warning."""
    with caplog.at_level(logging.DEBUG):
        open_store(tmp_path / "a" / "b").close()
    assert not caplog.messages


def test_a_lock_held_by_another_process(folder):
    """Two workers in one PALIER_DATA_DIR: the second ends with 2 and one line; the copy of the first is untouched."""
    code = (
        "import sys; from pathlib import Path; from palier.engine.rocksdb_store import RocksStore\n"
        f"RocksStore(Path(sys.argv[1]), limit_s={LIMIT_S}, log='changelog', now_s=lambda: {NOW_S})"
    )
    store = open_store(folder)
    second = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert second.stderr.splitlines()[-1] == (
        f"palier.errors.ConfigurationError: {folder} is in use by another worker: "
        "each needs a PALIER_DATA_DIR of its own"
    )
    with pytest.raises(ConfigurationError, match="in use by another worker"):
        open_store(folder)
    assert contents(store) == expected(3)
    store.close()
    third = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert (third.returncode, third.stderr) == (0, "")


def test_a_folder_that_cannot_be_one(tmp_path):
    """A file stands in the way: one line that names the setting; the file stays."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"PALIER_DATA_DIR: .*file.* cannot be used"):
        open_store(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_close_lets_go_of_everything(folder, monkeypatch):
    """No file stays open, and another can open it at once, even when somebody stopped in the middle of items()."""
    monkeypatch.setattr(rocksdb_store, "CHUNK", 10)
    store = open_store(folder)
    unfinished = store.items()
    next(unfinished)
    process = psutil.Process()
    assert any(str(folder) in file.path for file in process.open_files())
    store.close()
    assert not [file.path for file in process.open_files() if str(folder) in file.path]
    again = open_store(folder)
    again.close()
    with pytest.raises(InternalError, match="was closed"):
        store.get(b"every-000")
    with pytest.raises(InternalError, match="was closed"):
        list(unfinished)
    assert open_and_count(folder) == len(expected(3)), "a use after closing throws nothing away"


def open_and_count(folder: Path) -> int:
    """States in a folder."""
    store = open_store(folder)
    try:
        return len(contents(store))
    finally:
        store.close()


def test_limits_hold_after_reopening_too(folder):
    """RocksDB's options lie on disk beside the data; ours win, and all partitions share one cache."""
    stores = [open_store(folder), open_store(folder.with_name("other"))]
    for store in stores:
        assert store._db.property_int_value("rocksdb.block-cache-capacity") == rocksdb_limits.BLOCK_CACHE_BYTES
    stores[0].get(b"every-000")
    used = {store._db.property_int_value("rocksdb.block-cache-usage") for store in stores}
    assert len(used) == 1
    for store in stores:
        store.close()
    written = max(folder.glob("OPTIONS-*")).read_text()
    for option in ("write_buffer_size=16777216", "max_open_files=256", "compression=kLZ4Compression"):
        assert option in written
    assert "filter_policy=bloomfilter" in written


def test_without_the_package(monkeypatch, tmp_path):
    """A worker without the extra is told how to install it, and nothing of RocksDB is imported before it is asked for."""
    real = builtins.__import__

    def missing(name, *arguments, **keywords):
        if name == "rocksdict":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'palier\[rocksdb\]'"):
        open_store(tmp_path)
    code = "import sys, palier.engine.rocksdb_store; sys.exit('rocksdict' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
