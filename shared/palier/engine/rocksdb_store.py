"""The store on disk: one RocksDB database for each partition, for states larger than memory and restarts that read little.

What is doubtful is thrown away, since the changelog has everything: a damaged copy, one of another format, one so old that
the changelog may have dropped deletions that this copy has not seen.
"""

from __future__ import annotations

import logging
import struct
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from palier.engine import rocksdb_limits
from palier.engine.meta import decode_meta, encode_meta
from palier.engine.store import Mark
from palier.errors import ConfigurationError, DataError, InternalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rocksdict import Rdict

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
MARK_KEY = b"\0rocksdb-mark"  # no contact id begins with a control character, and stubs and META begin otherwise
NO_SPACE = "No space left on device"  # as the system says it
CHUNK = 1_000  # entries read at a time
CLOCK_SLACK_S = 300.0  # a mark from the future is believed if the clock was set back by no more
# Format version, META's Kafka timestamp in ms, changelog position, length of the changelog's name; name and encoded META follow.
_HEADER = struct.Struct("<BQQH")


class _DoubtfulCopyError(InternalError):
    """Why what lies on disk is not used."""


class RocksStore:
    """See StateStore. Used by one thread."""

    def __init__(self, folder: Path, *, limit_s: float, log: str = "", now_s: Callable[[], float] = time.time) -> None:
        """Opens what lies in `folder`, or begins an empty copy there.

        `limit_s`: greatest age of a mark, in seconds: as long as the changelog keeps deletions (delete.retention.ms).
        `log`: which changelog it is a copy of; that of another one is thrown away. `now_s`: the wall clock.

        Raises:
            ConfigurationError: another worker has it open, the folder cannot be used, or rocksdict is not installed.
            InternalError: the disk is full.
        """
        self.mark: Mark | None = None
        self._folder, self._limit_s, self._now_s, self._log = folder, limit_s, now_s, log.encode()
        self._cursors: dict[object, Iterator[Any]] = {}  # of iterations that have not ended
        self._rocksdict = rocksdb_limits.rocksdict()
        self._in_bulk = self._rocksdict.ReadOptions()
        self._in_bulk.set_readahead_size(rocksdb_limits.READ_AHEAD_BYTES)
        try:
            self._db = self._open()
        except _DoubtfulCopyError as doubt:
            self._begin_afresh(doubt)
            return
        try:
            self.mark = self._trusted_mark()
        except _DoubtfulCopyError as doubt:
            self.close()
            self._begin_afresh(doubt)

    def get(self, key: bytes) -> bytes | None:
        """See StateStore.

        Raises:
            InternalError: it cannot be read. The copy is thrown away; a restart reads the changelog.
        """
        try:
            return self._db.get(key)
        except Exception as error:  # rocksdict has no narrower one
            raise self._fault(error, "read") from error

    def write(self, states: Iterable[tuple[bytes, bytes | None]], mark: Mark | None) -> None:
        """See StateStore. States and mark are there together or not at all, whenever the process dies.

        Raises:
            InternalError: it cannot be written, the disk may be full. What was there stays, unless it is damaged.
        """
        batch = self._rocksdict.WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in states:
            if value is None:
                delete(key)
            else:
                put(key, value)
        if mark is not None:
            put(MARK_KEY, _encode_mark(mark, self._log))
        try:
            self._db.write(batch)
        except Exception as error:
            raise self._fault(error, "write") from error
        if mark is not None:
            self.mark = mark

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """See StateStore. After close() it raises, whatever it had still to give.

        Raises:
            InternalError: it cannot be read. The copy is thrown away; a restart reads the changelog.
        """
        # RocksDB's iterator keeps the database open, and locked: only self._cursors holds it, so that close() can drop it.
        cursor, last = object(), b""
        self._cursors[cursor] = self._db.items(read_opt=self._in_bulk)
        try:
            while True:
                if cursor not in self._cursors:
                    raise InternalError(f"{self._folder} was closed")
                try:
                    chunk: list[Any] = list(islice(self._cursors[cursor], CHUNK))
                    if len(chunk) < CHUNK:
                        self._check_end(chunk[-1][0] if chunk else last)
                except Exception as error:
                    raise self._fault(error, "read") from error
                for entry in chunk:
                    if entry[0] != MARK_KEY:
                        yield entry
                if len(chunk) < CHUNK:
                    return
                last = chunk[-1][0]
        finally:
            self._cursors.pop(cursor, None)

    def clear(self) -> None:
        """See StateStore. Deletes files, not entries: a million cost no more than one."""
        self.close()
        self._begin_afresh(None)

    def close(self) -> None:
        """See StateStore. A second time does nothing."""
        self._cursors.clear()
        with suppress(self._rocksdict.DbClosedError):
            try:
                self._db.close()
            except self._rocksdict.DbClosedError:
                raise
            except Exception as error:  # noqa: BLE001 - rocksdict has no narrower one; it is closed all the same
                logger.warning(
                    "%s: closed without a last flush, its write-ahead log has the rest: %s", self._folder, error
                )

    def __len__(self) -> int:
        """RocksDB's estimate: states written again or deleted are counted wrongly until files are merged."""
        entries = self._db.property_int_value("rocksdb.estimate-num-keys") or 0
        return max(0, entries - (self.mark is not None))

    # --- opening ------------------------------------------------------------------------------------------------------
    def _open(self) -> Rdict:
        """The database in the folder, an empty one if there is none.

        Raises:
            ConfigurationError: it is in use, or its folder cannot be used.
            InternalError: the disk is full.
            _DoubtfulCopyError: RocksDB refuses what lies there.
        """
        chosen = rocksdb_limits.options()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Options of a column family that is not named come from the disk: the limits of an older run, without our cache.
            database: Rdict = self._rocksdict.Rdict(str(self._folder), chosen, column_families={"default": chosen})
        except Exception as error:
            raise self._refusal(error) from error
        return database

    def _refusal(self, error: Exception) -> Exception:
        """What an error of opening means: RocksDB's texts begin with the kind of trouble."""
        text = str(error)
        if "While lock file" in text or "lock hold by current process" in text:
            return ConfigurationError(
                f"{self._folder} is in use by another worker: each needs a PALIER_DATA_DIR of its own"
            )
        if NO_SPACE in text:
            return InternalError(f"{self._folder}: cannot open: {text}; a restart goes on once there is room")
        missing = text.startswith("IO error: No such file or directory")
        if isinstance(error, OSError) or (text.startswith("IO error") and not missing):
            return ConfigurationError(f"PALIER_DATA_DIR: {self._folder} cannot be used: {text}")
        return _DoubtfulCopyError(text)

    def _trusted_mark(self) -> Mark | None:
        """The mark of what was opened; None: it is empty.

        Raises:
            _DoubtfulCopyError: it must not be used.
        """
        try:
            data = self._db.get(MARK_KEY)
            is_empty = data is None and not any(True for _ in islice(self._db.items(), 1))
            if is_empty:
                self._check_end(b"")
        except Exception as error:
            raise _DoubtfulCopyError(str(error)) from error
        if is_empty:
            return None
        if data is None:
            raise _DoubtfulCopyError("it has no mark: its first recovery was interrupted")
        mark, log = _decode_mark(data)
        if log != self._log:
            raise _DoubtfulCopyError(f"it is of another changelog, {log.decode(errors='replace')!r}")
        age_s = self._now_s() - mark.written_ms / 1000
        if age_s > self._limit_s:
            raise _DoubtfulCopyError(f"it is {age_s:.0f} s old, deletions are kept for {self._limit_s:.0f} s")
        if age_s < -CLOCK_SLACK_S:
            raise _DoubtfulCopyError(f"it was written {-age_s:.0f} s in the future: the clock was changed")
        return mark

    def _begin_afresh(self, doubt: _DoubtfulCopyError | None) -> None:
        """An empty database in place of a closed one."""
        if doubt is not None:
            logger.warning("%s: this copy is thrown away, the changelog is read instead: %s", self._folder, doubt)
        self._destroy()
        self.mark = None
        self._db = self._open()

    def _destroy(self) -> None:
        """Remove all files of RocksDB, under its lock."""
        try:
            self._rocksdict.Rdict.destroy(str(self._folder), rocksdb_limits.options())
        except Exception as error:
            raise self._refusal(error) from error

    # --- trouble ------------------------------------------------------------------------------------------------------
    def _check_end(self, last: bytes) -> None:
        """An iterator of rocksdict ends at an unreadable block as it does at the end, without a word: ask RocksDB itself."""
        cursor = self._db.iter()
        try:
            cursor.seek(last)
            if cursor.valid() and cursor.key() == last:
                cursor.next()
            cursor.status()
            if cursor.valid():
                raise InternalError("reading ended before the end")
        finally:
            del cursor  # a traceback would keep it, and it the lock

    def _fault(self, error: Exception, verb: str) -> InternalError:
        """The end of this process, and of the copy if it may be damaged."""
        if isinstance(error, self._rocksdict.DbClosedError):
            return InternalError(f"{self._folder} was closed")
        remedy = "a restart goes on with what is there"
        if verb == "read" or str(error).startswith("Corruption"):
            remedy = "this copy is thrown away, a restart reads the changelog instead"
            self.close()
            with suppress(Exception):  # if files stay, the next process finds the same
                self._destroy()
        return InternalError(f"{self._folder}: cannot {verb}: {error}; {remedy}")


def _encode_mark(mark: Mark, log: bytes) -> bytes:
    return _HEADER.pack(FORMAT_VERSION, mark.written_ms, mark.position, len(log)) + log + encode_meta(mark.meta)


def _decode_mark(data: bytes) -> tuple[Mark, bytes]:
    """The mark, and the changelog it belongs to.

    Raises:
        _DoubtfulCopyError: it is of another format, or cannot be read.
    """
    if data[:1] != bytes((FORMAT_VERSION,)):
        raise _DoubtfulCopyError(
            f"its format is {data[:1].hex() or 'missing'}, this version reads {FORMAT_VERSION:02x}"
        )
    try:
        _, written_ms, position, length = _HEADER.unpack_from(data)
        log, meta = data[_HEADER.size : _HEADER.size + length], data[_HEADER.size + length :]
        return Mark(decode_meta(meta), position, written_ms), log
    except (struct.error, DataError) as error:
        raise _DoubtfulCopyError(f"its mark cannot be read: {error}") from None
