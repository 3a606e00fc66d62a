"""Reading what somebody types: with history and editing, over one line or several."""

from collections.abc import Callable
from contextlib import suppress

FENCE = '"""'
_MORE = "... "


def read_prompt(prompt: str, read_line: Callable[[str], str] = input) -> str:
    r"""One prompt: a line, lines that end with `\`, or all between two lines of three quotes.

    Raises:
        EOFError: there is no more.
    """
    line = read_line(prompt)
    if line.strip() == FENCE:
        return "\n".join(_fenced(read_line))
    lines = [line]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(read_line(_MORE))
    return "\n".join(lines)


def _fenced(read_line: Callable[[str], str]) -> list[str]:
    lines: list[str] = []
    while (line := read_line(_MORE)).strip() != FENCE:
        lines.append(line)
    return lines


def use_line_editing(commands: tuple[str, ...]) -> None:
    """Arrow keys, earlier lines, and Tab for commands, where Python was built with it.

    Earlier lines are kept in memory only: what people ask here is about patients.
    """
    with suppress(ImportError):
        import readline

        def complete(text: str, state: int) -> str | None:
            fitting = [word for word in commands if word.startswith(text)]
            return fitting[state] if text.startswith("/") and state < len(fitting) else None

        readline.set_completer(complete)
        readline.set_completer_delims(" ")
        readline.parse_and_bind("tab: complete")
