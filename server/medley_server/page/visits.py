"""The documents that visitors have dropped on the page: one each, for a short time."""

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

MOST = 64
"""Visitors with a document; with one more, the document of the idlest goes."""

IDLE_S = 1800.0
"""How long a document is kept of a visitor who does nothing."""

DOCUMENT = "document"
"""What the file is called in its visitor's folder; its own name often is a person's."""


def visit_name(caller: str, tab: str) -> str:
    """A caller in one tab of his browser; nobody can name another caller's."""
    return hashlib.sha256(f"{caller}\0{tab}".encode()).hexdigest()[:32]


class Visits:
    """Documents by visit, in a folder that others cannot look into."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Clears the folder of what an earlier server left there."""
        shutil.rmtree(folder, ignore_errors=True)
        self.incoming = folder / "incoming"
        self.kept = folder / "kept"
        for one in (folder, self.incoming, self.kept):
            one.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._clock = clock
        self._used_at: dict[str, float] = {}

    def begin(self, visit: str, uploaded: Path) -> None:
        """Takes over what came in; an earlier document of the same visitor goes."""
        self.end(visit)
        folder = self.kept / visit
        folder.mkdir(mode=0o700)
        uploaded.rename(folder / DOCUMENT)
        self._used_at[visit] = self._clock()
        for idle in sorted(self._used_at, key=self._used_at.__getitem__)[:-MOST]:
            self.end(idle)

    def touch(self, visit: str) -> None:
        """The visitor is there."""
        if visit in self._used_at:
            self._used_at[visit] = self._clock()

    def end(self, visit: str) -> None:
        """The visitor has left, or wants his document forgotten."""
        self._used_at.pop(visit, None)
        shutil.rmtree(self.kept / visit, ignore_errors=True)

    def sweep(self) -> None:
        """Forgets those of whom nobody has heard for long."""
        idle_since = self._clock() - IDLE_S
        for visit in [one for one, used_at in self._used_at.items() if used_at < idle_since]:
            self.end(visit)

    def close(self) -> None:
        """Everything goes."""
        self._used_at.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
