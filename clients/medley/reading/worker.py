"""A process that reads pages for the one that started it.

::

    python -m medley.reading.worker PARENT BYTES

It takes messages from its standard input and answers each on its standard output, within so many
bytes of memory. It ends with its input, with its parent, and after anything unforeseen.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from medley.reading.document import attempted, opened, outlined
from medley.reading.errors import CorruptDocument, DocumentError, as_json
from medley.reading.media import MediaType
from medley.reading.messages import (
    HEAD,
    Message,
    budget_from_json,
    outline_to_json,
    packed,
    page_to_json,
    wanted_from_json,
)
from medley.tethered import tether


def main(parent: int, memory_bytes: int) -> None:
    """Serve until there is nothing more to do, or something has gone wrong."""
    tether(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    _limit_memory(memory_bytes)
    questions, answers = sys.stdin.buffer, _answers()
    while (message := _next(questions)) is not None:
        answer, blob = _answer(message)
        answers.write(packed(answer, blob))
        answers.flush()
        if "is_last" in answer:
            break


def _answer(message: Message) -> tuple[Message, bytes]:
    try:
        return _done(message)
    except DocumentError as error:
        return {"error": as_json(error)}, b""
    except ImportError as error:
        return {"missing": error.name or "a module", "is_last": True}, b""
    except MemoryError:
        return _broken("it takes more memory than a document may"), b""
    except Exception as error:  # the file's doing: nobody else's document may suffer
        return _broken(f"it cannot be read ({type(error).__name__})"), b""


def _broken(what: str) -> Message:
    return {"error": as_json(CorruptDocument(what)), "is_last": True}


def _done(message: Message) -> tuple[Message, bytes]:
    path, budget = Path(message["path"]), budget_from_json(message["budget"])
    if message["number"] is None:
        outline = outlined(path, message["pages"], budget)
        return {"outline": outline_to_json(outline)}, b""
    with opened(path, MediaType(message["media_type"]), budget) as source:
        page = attempted(source, message["number"], wanted_from_json(message["wanted"]))
    return {"page": page_to_json(page)}, page.image or b""


def _next(questions: BinaryIO) -> Message | None:
    head = questions.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    size, _ = HEAD.unpack(head)
    message: Message = json.loads(questions.read(size))
    return message


def _answers() -> BinaryIO:
    """The standard output, kept from whatever C libraries print there."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return answers


def _limit_memory(memory_bytes: int) -> None:
    """Limit what is allocated; mapped files and reserved addresses cost nothing."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no page's text in a core file


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
