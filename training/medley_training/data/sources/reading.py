"""Files of published data sets, read so that what is wrong with them names file and line."""

import csv
import json
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from medley_training.errors import BadSource


def file_in(path: Path, name: str) -> Path:
    """`path` itself if it is a file, or the file of that name inside it.

    Raises:
        BadSource: There is no such file.
    """
    file = path / name if path.is_dir() else path
    if not file.is_file():
        raise BadSource(f"{file} is missing: expected the file {name} or a folder that holds it")
    return file


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON-lines file with their line numbers; blank lines are skipped.

    Raises:
        BadSource: A line holds no object.
    """
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if line.strip():
            yield number, _object(line, f"{path}:{number}")


def json_file(path: Path) -> dict[str, Any]:
    """The object that a JSON file holds.

    Raises:
        BadSource: It holds none.
    """
    return _object(_text(path), str(path))


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with the number of each one's last line.

    Raises:
        BadSource: A column is missing, or a row has too few or too many fields.
    """
    lines = csv.DictReader(StringIO(_text(path), newline=""), strict=True)
    try:
        missing = [column for column in columns if column not in (lines.fieldnames or ())]
        if missing:
            found = ", ".join(lines.fieldnames or ()) or "none"
            raise BadSource(f"{path}:1: no column {missing[0]!r}; the columns found are {found}")
        for row in lines:
            if None in row or None in row.values():
                raise BadSource(
                    f"{path}:{lines.line_num}: expected {len(lines.fieldnames or ())} fields"
                )
            yield lines.line_num, row
    except csv.Error as error:
        raise BadSource(f"{path}:{lines.line_num}: not CSV: {error}") from error


def text_field(found: dict[str, Any], field: str, where: str) -> str:
    """The text under a field.

    Raises:
        BadSource: It is missing, empty or no text.
    """
    value = found.get(field)
    if not isinstance(value, str) or not value.strip():
        raise BadSource(f"{where}: expected text in {field!r}, found {_shown(value)}")
    return value


def text_list(found: dict[str, Any], field: str, where: str) -> list[str]:
    """The list of texts under a field.

    Raises:
        BadSource: It is missing or holds something else.
    """
    value = found.get(field)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadSource(f"{where}: expected a list of texts in {field!r}, found {_shown(value)}")
    return value


def _text(path: Path) -> str:
    try:
        # Some publish with a byte order mark.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSource(f"{path}: not UTF-8 text at byte {error.start}") from error
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}") from error


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        line = f", line {error.lineno}" if error.lineno > 1 else ""
        raise BadSource(f"{where}{line}: not JSON: {error.msg}") from error
    if not isinstance(value, dict):
        raise BadSource(f"{where}: expected a JSON object, found {_shown(value)}")
    return value


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
