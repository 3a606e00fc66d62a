"""The folder of a job: the document while it is worked on, then the result; for its owner only."""

import os
import shutil
from pathlib import Path

from medley_server.document_errors import storage_errors

_DOCUMENT = "document"
_RESULT = "result.json"


class JobFiles:
    """One folder per job; every method may wait for the disk, so it belongs in a thread."""

    def __init__(self, folder: Path) -> None:
        """Uses a folder, which is made if it is not there.

        Raises:
            StorageAway: the disk does not allow it.
        """
        self._folder = folder
        with storage_errors():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def document(self, job_id: str) -> Path:
        """Where its document is."""
        return self._folder / job_id / _DOCUMENT

    def take(self, job_id: str, document: Path) -> None:
        """Moves a document in.

        Raises:
            StorageAway: the disk does not allow it.
        """
        with storage_errors():
            (self._folder / job_id).mkdir(mode=0o700)
            document.chmod(0o600)
            document.rename(self.document(job_id))

    def finish(self, job_id: str, result: bytes | None) -> None:
        """Writes the result, if there is one, and lets the document go.

        Raises:
            StorageAway: the disk does not take it.
        """
        folder = self._folder / job_id
        if result is not None:
            with storage_errors():
                _write(folder / _RESULT, result)
        (folder / _DOCUMENT).unlink(missing_ok=True)

    def result(self, job_id: str) -> bytes | None:
        """What was written; None if it is gone."""
        try:
            return (self._folder / job_id / _RESULT).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, job_id: str) -> None:
        """Lets everything of a job go."""
        shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def ids(self) -> set[str]:
        """Jobs that have a folder."""
        return {entry.name for entry in self._folder.iterdir()}


def _write(path: Path, data: bytes) -> None:
    passing = path.with_suffix(".part")
    descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as stream:  # noqa: PTH123 a descriptor, not a path
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    passing.rename(path)
