from pathlib import Path

import pytest
from medley_training.data.examples import Example, Message, load_examples
from medley_training.errors import BadExample

GOOD = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'


def _write(folder: Path, *lines: str) -> Path:
    path = folder / "chats.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_an_example_survives_being_written_and_read(tmp_path: Path) -> None:
    example = Example.exchange("Où est la douleur ?", "In the chest.\nSince Monday.")

    assert load_examples(_write(tmp_path, example.to_json())) == (example,)


def test_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = _write(tmp_path, "", GOOD, "   ", GOOD, "")

    assert load_examples(path) == (Example.exchange("q", "a"),) * 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[]", 'expected an object with a list "messages"'),
        ('{"messages": "hello"}', 'expected an object with a list "messages"'),
        ('{"messages": ["hello"]}', "a message must be an object"),
        ('{"messages": [{"role": "doctor", "content": "x"}]}', "unknown role 'doctor'"),
        ('{"messages": [{"role": ["user"], "content": "x"}]}', "unknown role ['user']"),
        ('{"messages": [{"role": "user", "content": " "}]}', "the user message needs text"),
        ('{"messages": [{"role": "user", "content": 3}]}', "the user message needs text"),
        ('{"messages": [{"role": "user", "text": "x"}]}', "a message has no field 'text'"),
        ('{"messages": [{"role": "user", "content": "x"}]}', "at least one assistant message"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    path = _write(tmp_path, GOOD, "", line)

    with pytest.raises(BadExample) as caught:
        load_examples(path)

    assert str(caught.value).startswith(f"{path}:3: ")
    assert reason in str(caught.value)
    assert (caught.value.path, caught.value.line) == (path, 3)


def test_bytes_that_are_not_utf8_are_named_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "chats.jsonl"
    path.write_bytes(GOOD.encode() + b"\n\xff\n")

    with pytest.raises(BadExample, match=r"chats\.jsonl:2: not UTF-8 text"):
        load_examples(path)


def test_an_example_without_an_answer_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one assistant message"):
        Example((Message("user", "q"),))
