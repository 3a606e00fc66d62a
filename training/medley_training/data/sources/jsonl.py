"""Chats in JSON lines, with what splitting them over sites needs to know.

One line is one chat; ``label``, ``site`` and ``group`` may be left out::

    {"messages": [...], "label": "cardiology", "site": "north", "group": "patient-12"}
"""

from pathlib import Path
from typing import Any

from medley_training.data.examples import Example, numbered_examples
from medley_training.data.fingerprint import words_digest
from medley_training.data.labelled import LabelledExample
from medley_training.errors import BadExample, BadSource

UNLABELLED = "unlabelled"


def load_jsonl(path: Path) -> tuple[LabelledExample, ...]:
    """Read a file of chats, or a folder with one file ``<site>.jsonl`` for each site.

    Without a ``group``, chats whose prompts have the same words are a group.

    Raises:
        BadSource: There is no such file, or the folder holds none.
        BadExample: A line is not a chat, or one of its other fields is no text.
    """
    if path.is_dir():
        files = sorted(path.glob("*.jsonl"))
        if not files:
            raise BadSource(f"{path} holds no file <site>.jsonl")
        return tuple(each for file in files for each in _load(file, site=file.stem))
    return tuple(_load(path, site=None))


def _load(path: Path, *, site: str | None) -> list[LabelledExample]:
    try:
        return [
            LabelledExample(
                example=example,
                label=_text(fields, "label", path, line) or UNLABELLED,
                group=_group(example, _text(fields, "group", path, line)),
                site=_text(fields, "site", path, line) or site,
            )
            for line, example, fields in numbered_examples(path)
        ]
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}") from error


def _group(example: Example, named: str | None) -> str:
    if named is not None:
        return f"named {named}"
    return words_digest("\n".join(message.content for message in example.messages[:-1]))


def _text(fields: dict[str, Any], field: str, path: Path, line: int) -> str | None:
    value = fields.get(field)
    if value is not None and (not isinstance(value, str) or not value):
        raise BadExample(path, line, f"{field!r} must be text, not {value!r}")
    return value
