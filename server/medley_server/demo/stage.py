"""How the demo looks on a terminal. Text from a model is printed inert."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from medley.commands.page_view import show
from medley.results import Extraction
from medley_registry.inert import inert
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from medley_server.demo.reply import Reply


class Stage:
    """One console; plain text when the output is not a terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._steps = 0

    def step(self, title: str) -> None:
        """A numbered heading."""
        self._steps += 1
        self._console.print(f"\n[bold]{self._steps}. {escape(title)}[/bold]")

    def say(self, line: str) -> None:
        self._console.print(Text(f"   {line}", style="dim"), soft_wrap=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """A spinner with the time so far, where there is a terminal; else one line."""
        if not self._console.is_terminal:
            self.say(what)
            yield
            return
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(what, total=None)
            yield

    def chat(self, reply: Reply) -> None:
        """One question and its answer, with who answered and how fast."""
        self._console.print()
        self._console.print(Text(f"   you -> {reply.asked}: {inert(reply.question)}", style="cyan"))
        self._console.print(Padding(Text(inert_lines(reply.text)), (0, 0, 0, 6)))
        first, total = f"{reply.first_s * 1000:.0f} ms", f"{reply.total_s:.1f} s"
        figures = f"({reply.by}, first token {first}, whole answer {total})"
        self._console.print(Text(f"      {figures}", style="dim"))

    def document(self, name: str, extraction: Extraction) -> None:
        """A document's text with the values marked in it, then the values."""
        self._console.print()
        show(name, extraction)

    def write(self, piece: str) -> None:
        """A piece of a stream, as it comes."""
        self._console.print(Text(inert_lines(piece)), end="", soft_wrap=True)

    def write_mark(self, what: str) -> None:
        """Something that happens in the middle of a stream."""
        self._console.print(Text(f" [[{what}]] ", style="bold yellow"), end="")

    def end_line(self) -> None:
        self._console.print()

    def check(self, holds: bool, what: str) -> None:
        """One finding."""
        mark = "[green]ok[/green]  " if holds else "[bold red]FAIL[/bold red]"
        self._console.print(f"   {mark} {escape(what)}")

    def times(self, times: Mapping[str, float]) -> None:
        """The time each step took."""
        table = Table(box=None, pad_edge=False, show_header=False)
        for label, seconds in times.items():
            table.add_row(f"   {escape(label)}", f"{seconds * 1000:8.0f} ms")
        self._console.print(table)

    def plain(self, text: str) -> None:
        """Text to copy: no wrapping, no colour."""
        self._console.print(Text(text), soft_wrap=True)


def inert_lines(text: str) -> str:
    """The text with control characters replaced, its line ends kept."""
    return "\n".join(inert(line) for line in text.split("\n"))
