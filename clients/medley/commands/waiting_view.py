"""What is still waited for, on a terminal; nothing where nobody looks."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from medley_registry.inert import inert

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from medley.results import Job


class Waiting(Protocol):
    """Is told which documents are in work, and how far."""

    def begin(self, name: str) -> None: ...

    def hear(self, name: str, job: "Job") -> None: ...

    def end(self, name: str) -> None: ...

    def pause(self) -> None: ...

    def go_on(self) -> None: ...


@contextmanager
def shown_waiting() -> Iterator[Waiting]:
    """One line on stderr for each document in work; it leaves nothing."""
    if not sys.stderr.isatty():
        yield _Silence()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    # What is printed meanwhile goes where it should, and not through the progress's console.
    with Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as progress:
        yield _Lines(progress)


class _Silence:
    def begin(self, name: str) -> None: ...

    def hear(self, name: str, job: "Job") -> None: ...

    def end(self, name: str) -> None: ...

    def pause(self) -> None: ...

    def go_on(self) -> None: ...


class _Lines:
    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._lines: dict[str, TaskID] = {}

    def begin(self, name: str) -> None:
        self._lines[name] = self._progress.add_task(inert(name), total=None)

    def hear(self, name: str, job: "Job") -> None:
        far = f"{job.pages_done} of {job.pages_in} pages" if job.pages_in else job.status.value
        if name in self._lines:
            self._progress.update(self._lines[name], description=inert(f"{name}  {far}"))

    def end(self, name: str) -> None:
        if name in self._lines:
            self._progress.remove_task(self._lines.pop(name))

    def pause(self) -> None:
        """Take the lines away, so that something can be printed."""
        self._progress.stop()

    def go_on(self) -> None:
        self._progress.start()
