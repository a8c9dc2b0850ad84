"""What RocksDB may take of memory, files and disk. Its defaults, and Faust's, grow with the number of partitions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from palier.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

    from rocksdict import Cache, Options, WriteBufferManager

MIB = 1 << 20
# For all partitions of a process together: a worker may get many.
BLOCK_CACHE_BYTES = 64 * MIB
WRITE_BUFFERS_BYTES = 64 * MIB
# For each partition.
WRITE_BUFFER_BYTES = 16 * MIB
# Larger: a look-up unpacks more; smaller: more of the cache goes to the index, which lies there too.
BLOCK_BYTES = 8 << 10
BLOOM_BITS = 10  # one look-up in a hundred for a contact that is not there goes to the disk
OPEN_FILES = 256
READ_AHEAD_BYTES = 256 << 10  # of each file, when all is read: a fifth of the system calls
INFO_LOGS = 2
INFO_LOG_BYTES = MIB
MANIFEST_BYTES = 16 * MIB


def rocksdict() -> ModuleType:
    """The package, imported when a store is first opened: with memory:// nobody needs it.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import rocksdict as package
    except ImportError:
        raise ConfigurationError(
            "PALIER_STORE=rocksdb:// needs the package rocksdict: pip install 'palier[rocksdb]'"
        ) from None
    return package


@cache
def _shared() -> tuple[Cache, WriteBufferManager]:
    """The cache and the budget of write buffers, the same for every partition of this process."""
    package = rocksdict()
    return package.Cache(BLOCK_CACHE_BYTES), package.WriteBufferManager(WRITE_BUFFERS_BYTES, allow_stall=False)


def options() -> Options:
    """How the database of one partition is opened."""
    package = rocksdict()
    block_cache, write_buffers = _shared()

    tables = package.BlockBasedOptions()
    tables.set_block_cache(block_cache)
    tables.set_block_size(BLOCK_BYTES)
    tables.set_bloom_filter(BLOOM_BITS, block_based=False)
    tables.set_cache_index_and_filter_blocks(v=True)
    tables.set_pin_l0_filter_and_index_blocks_in_cache(v=True)

    chosen: Options = package.Options(raw_mode=True)
    chosen.set_block_based_table_factory(tables)
    chosen.set_compression_type(package.DBCompressionType.lz4())
    chosen.set_write_buffer_manager(write_buffers)
    chosen.set_write_buffer_size(WRITE_BUFFER_BYTES)
    chosen.set_max_bytes_for_level_base(4 * WRITE_BUFFER_BYTES)
    chosen.set_max_open_files(OPEN_FILES)
    # The write-ahead log is kept, and not synced at each write: it outlives our process, and if the machine dies with it,
    # what it kept up to some batch is a copy of that batch. A damaged record and all after it are dropped.
    chosen.set_wal_recovery_mode(package.DBRecoveryMode.point_in_time())
    chosen.set_max_manifest_file_size(MANIFEST_BYTES)
    chosen.set_keep_log_file_num(INFO_LOGS)
    chosen.set_max_log_file_size(INFO_LOG_BYTES)
    chosen.set_stats_dump_period_sec(0)
    chosen.set_stats_persist_period_sec(0)
    return chosen
