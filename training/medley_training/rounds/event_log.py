"""The file ``events.jsonl`` in a run folder: one event a line, as a JSON object."""

import json
from pathlib import Path
from threading import Lock
from typing import get_args

from medley_training.errors import RunDamaged
from medley_training.rounds.events import Event, Step
from medley_training.rounds.field_json import from_fields, to_fields

_KEPT_STEPS = 20

_KINDS: dict[str, type[Event]] = {kind.kind: kind for kind in get_args(Event)}


class EventLog:
    """The events of a run folder, appended one line each; `append` is an observer.

    Of a site's steps in a round at most 20 are kept, the first and the last among them. A line
    without its end, left by a killed process, is dropped. Threads may share a log, processes not.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        if path.exists():
            with path.open("r+b") as file:
                file.truncate(file.read().rfind(b"\n") + 1)

    def append(self, event: Event) -> None:
        """Write the event behind the others; it is with the operating system on return."""
        if isinstance(event, Step) and not _is_kept(event):
            return
        line = to_line(event)
        with self._lock, self._path.open("ab") as file:
            file.write(line)


def read_events(path: Path) -> tuple[Event, ...]:
    """The events of a log in the order in which they happened; none where there is no file.

    A last line without its end is left out: its process was killed while it wrote.

    Raises:
        RunDamaged: Another line is no event.
    """
    *lines, _torn = path.read_bytes().split(b"\n") if path.exists() else [b""]
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(from_line(line))
        except ValueError as error:
            raise RunDamaged(f"{path}:{number}: {error}") from error
    return tuple(events)


def to_line(event: Event) -> bytes:
    """The event as a line of JSON with its end; numbers that are not finite become null."""
    found = {"event": event.kind, **to_fields(event)}
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


def from_line(line: bytes) -> Event:
    """The event that `to_line` wrote.

    Raises:
        ValueError: It is none; the message says why.
    """
    found = json.loads(line)
    kind = _KINDS.get(str(found.pop("event", ""))) if isinstance(found, dict) else None
    if kind is None:
        raise ValueError("no event of a known kind")
    return from_fields(kind, found)


def _is_kept(event: Step) -> bool:
    spaces = _KEPT_STEPS - 1
    before, after = (at * spaces // event.total_steps for at in (event.step - 1, event.step))
    return event.step == 1 or after > before
