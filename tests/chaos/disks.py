"""Disks that are full when a fault says so, and have room again when it is over."""

from __future__ import annotations

import errno
import resource
import subprocess
from contextlib import contextmanager

import psutil

CHUNK = 64 * 1024
UNLIMITED = resource.RLIM_INFINITY


class SmallDisk:
    """A disk of a few MiB, in memory, mounted over a folder. Asks for the right to mount; see `can_mount`."""

    def __init__(self, folder, mib):
        """Not mounted yet. `folder` is made if it is not there."""
        self.folder, self._mib = folder, mib
        self._filler = folder / "filler"

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        mount(self.folder, self._mib)
        return self

    def __exit__(self, *_):
        # Lazily: a process that was just killed may not have let go yet.
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self, leave_bytes=0):
        """No room any more, but for the last `leave_bytes`; in whole pages of 4 KiB."""
        self.free()
        with self._filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(CHUNK)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() - leave_bytes))

    def free(self):
        """Room again."""
        self._filler.unlink(missing_ok=True)


def mount(folder, mib):
    """A file system in memory over a folder."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)], check=True, capture_output=True
    )


@contextmanager
def no_file_longer_than(pid, limit_bytes):
    """A process may make no file longer than this, as on a disk that is full; whoever may not mount can still do so.

    The error is another (EFBIG for ENOSPC), what follows from it is the same. Only what is written from now on counts.
    """
    process = psutil.Process(pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (limit_bytes, UNLIMITED))
    try:
        yield
    finally:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            process.rlimit(psutil.RLIMIT_FSIZE, (UNLIMITED, UNLIMITED))


def can_mount(folder):
    """Whether we have the right to."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with SmallDisk(folder, 1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
