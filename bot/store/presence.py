"""Who of those that share a file is still there: each holds a lock, which ends with its process.

A lock of the operating system tells it across containers too, where numbers of processes say nothing; and
a process that was killed is known to be gone at once, without waiting for its leases to run out.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


class Presence:
    """Beside the store ``path`` lies a locked file for each process that ever held a lease there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = ""
        self._file = -1

    def mark(self) -> str:
        """What names us. From the first call on we are known to be there.

        :raises OSError: nothing can be written beside the store
        """
        if not self._mark:
            for left in self._path.parent.glob(f"{self._path.name}-owner-*"):
                _is_free(left)
            mark = uuid4().hex
            self._file = _locked(self._of(mark))
            self._mark = mark
        return self._mark

    def is_gone(self, mark: str) -> bool:
        """Whether whoever is named so has ended. When in doubt they have not."""
        return mark != self._mark and _is_free(self._of(mark))

    def end(self) -> None:
        if self._mark:
            self._of(self._mark).unlink(missing_ok=True)
            os.close(self._file)
            self._mark = ""

    def _of(self, mark: str) -> Path:
        return self._path.with_name(f"{self._path.name}-owner-{mark}")


def _locked(path: Path) -> int:
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(file).st_ino:
                return file
        os.close(file)  # somebody tidied it up before it was locked


def _is_free(path: Path) -> bool:
    """Nobody has it locked; then it is tidied up."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(file)
    return True
