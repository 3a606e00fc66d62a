from pathlib import Path

import pytest
from medley_training.data.sources.jsonl import UNLABELLED, load_jsonl
from medley_training.errors import BadExample, BadSource

CHAT = '"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "answer"}]'


def _line(question: str, more: str = "") -> str:
    return "{" + CHAT % question + more + "}\n"


def test_a_line_may_name_its_label_site_and_group(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text(
        _line("one", ', "label": "heart", "site": "north", "group": "p1"') + _line("two")
    )

    one, two = load_jsonl(file)

    assert (one.label, one.site) == ("heart", "north")
    assert (two.label, two.site) == (UNLABELLED, None)
    assert one.example.messages[0].content == "one"


def test_each_file_of_a_folder_is_a_site(tmp_path: Path) -> None:
    (tmp_path / "south.jsonl").write_text(_line("one"))
    (tmp_path / "north.jsonl").write_text(_line("two") + _line("three", ', "site": "west"'))

    assert [each.site for each in load_jsonl(tmp_path)] == ["north", "west", "south"]


def test_chats_with_the_same_prompt_are_a_group_unless_theirs_is_named(tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text(
        _line("What is it?") + _line("what is IT") + _line("And this?")
        + _line("What is it?", ', "group": "own"') + _line("More?", ', "group": "own"')
    )  # fmt: skip

    groups = [each.group for each in load_jsonl(file)]

    assert groups[0] == groups[1]
    assert groups[3] == groups[4]
    assert len(set(groups)) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ('{"messages": []}', "at least one assistant message"),
        (_line("one", ', "label": 3').strip(), "'label' must be text, not 3"),
        (_line("one", ', "site": ""').strip(), "'site' must be text, not ''"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text(_line("fine") + "\n" + line)

    with pytest.raises(BadExample, match=f"chats.jsonl:3: .*{reason}"):
        load_jsonl(file)


def test_a_missing_file_or_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"none.jsonl cannot be read: No such file"):
        load_jsonl(tmp_path / "none.jsonl")
    with pytest.raises(BadSource, match=r"holds no file <site>.jsonl"):
        load_jsonl(tmp_path)
