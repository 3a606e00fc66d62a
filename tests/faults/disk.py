"""A disk that loses power: what was not synced may be gone.

The model is the harshest that POSIX allows. A file's bytes are safe once the file is synced, a
name in a folder once that folder is synced; of everything later, any part may be missing, in any
mixture (see `tests.faults.losses`).
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.faults.trace import Call

_REMADE = "-shm"
"""The end of a name that is left out: SQLite makes the file anew after a crash."""

Write = tuple[int, bytes]
"""Where in the file, and what."""

Length = int
"""What a truncate leaves."""


@dataclass(slots=True)
class File:
    """Its bytes when it was last synced, and what was done to it since."""

    durable: bytes = b""
    pending: list[Write | Length] = field(default_factory=list)

    def after(self, changes: list[Write | Length]) -> bytes:
        """The bytes, had only these changes reached the disk."""
        content = bytearray(self.durable)
        for change in changes:
            end = change if isinstance(change, int) else change[0]
            content.extend(bytes(max(0, end - len(content))))
            if isinstance(change, int):
                del content[change:]
            else:
                offset, data = change
                content[offset : offset + len(data)] = data
        return bytes(content)

    def sync(self) -> None:
        self.durable, self.pending = self.after(self.pending), []


@dataclass(slots=True)
class Folder:
    """Its names as they are, and as they were when it was last synced."""

    names: "Names" = field(default_factory=dict)
    durable: "Names" = field(default_factory=dict)

    def find(self, path: str) -> "File | Folder":
        found: File | Folder = self
        for name in PurePosixPath(path).parts:
            assert isinstance(found, Folder), path
            found = found.names[name]
        return found

    def sync(self) -> None:
        self.durable = dict(self.names)


Names = dict[str, File | Folder]
Image = dict[str, bytes | None]
"""Files by path; None for a folder."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is left of a folder's names, and of a file's bytes."""

    names: Callable[[Folder], Names]
    content: Callable[[File], bytes]


class Disk:
    """Begins as a folder in which everything is durable, and follows the calls of a trace."""

    def __init__(self, folder: Path) -> None:
        self._root = _read(folder)

    def do(self, call: Call) -> None:
        """Follow a call; one that failed, and a note, change nothing."""
        if call.error or call.is_note or call.path.endswith((_REMADE, " (deleted)")):
            return
        match call.kind:
            case "create":
                self._put(call.path, File())
            case "mkdir":
                self._put(call.path, Folder())
            case "write":
                self._file(call.path).pending.append((call.offset, call.data))
            case "truncate":
                self._file(call.path).pending.append(call.offset)
            case "sync":
                self._root.find(call.path).sync()
            case "unlink":
                self._take(call.path)
            case "rename":
                self._put(call.other, self._take(call.path))
            case "link":
                self._put(call.other, self._root.find(call.path))
            case kind:
                assert kind in ("chmod", "utime"), f"nothing is known about {kind}"

    def image(self, loss: Loss) -> Image:
        """The disk after a power loss."""
        found: Image = {}
        _collect(self._root, loss, under="", into=found)
        return found

    def _file(self, path: str) -> File:
        found = self._root.find(path)
        assert isinstance(found, File), path
        return found

    def _folder(self, path: PurePosixPath) -> Folder:
        found = self._root.find(str(path))
        assert isinstance(found, Folder), path
        return found

    def _put(self, path: str, node: File | Folder) -> None:
        at = PurePosixPath(path)
        self._folder(at.parent).names[at.name] = node

    def _take(self, path: str) -> File | Folder:
        at = PurePosixPath(path)
        return self._folder(at.parent).names.pop(at.name)


def write_image(image: Image, folder: Path) -> None:
    """Make the folder what the image says, and nothing else."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    for path, content in image.items():
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


def _read(folder: Path) -> Folder:
    found = Folder()
    for path in folder.iterdir():
        if path.is_dir():
            found.names[path.name] = _read(path)
        elif not path.name.endswith(_REMADE):
            found.names[path.name] = File(path.read_bytes())
    found.sync()
    return found


def _collect(folder: Folder, loss: Loss, *, under: str, into: Image) -> None:
    for name, node in sorted(loss.names(folder).items()):
        if isinstance(node, File):
            into[under + name] = loss.content(node)
        else:
            into[under + name] = None
            _collect(node, loss, under=f"{under}{name}/", into=into)
