"""What was read of the documents on the page: in memory, and as long as the document is there."""

from collections.abc import Sequence
from pathlib import Path

from medley.results import Extraction

from medley_server.page.visits import DOCUMENT


class Findings:
    """By visit: the answer of one version, or of two that are compared."""

    def __init__(self, folder: Path) -> None:
        """Over the folder in which the server keeps the documents."""
        self._folder = folder
        self._found: dict[str, tuple[Path, int, Sequence[Extraction]]] = {}

    def document(self, visit: str) -> Path | None:
        """The visitor's document; None where there is none, or none any more."""
        path = self._folder / visit / DOCUMENT
        return path if path.is_file() else None

    def keep(self, visit: str, found: Sequence[Extraction]) -> None:
        """What was read of the document that is there; without one, nothing is kept."""
        if (path := self.document(visit)) is not None:
            self._found[visit] = (path, path.stat().st_ino, found)

    def of(self, visit: str) -> Sequence[Extraction]:
        """What was read; empty where the document has gone, or another one is in its place."""
        self.sweep()
        return self._found[visit][2] if visit in self._found else ()

    def sweep(self) -> None:
        """Forgets what was read of documents that are not there any more."""
        for visit, (path, inode, _) in list(self._found.items()):
            if not path.exists() or path.stat().st_ino != inode:
                del self._found[visit]
