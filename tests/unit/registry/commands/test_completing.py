"""What a shell is offered after Tab."""

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from medley.cli import app
from medley.completion import VARIABLE
from medley_registry import make_key
from typer.completion import get_completion_inspect_parameters, shell_complete
from typer.main import get_command

from tests.unit.registry.commands.shell import COMMAND, medley


@pytest.fixture
def offered(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], list[str]]:
    """What a shell is answered in which this much of a line is typed."""
    get_completion_inspect_parameters()  # which is when Typer takes its shells up
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        shell_complete(get_command(app), {}, "medley", VARIABLE, "complete_fish")
        shown = capsys.readouterr()
        assert shown.err == ""
        return [answer.split("\t")[0] for answer in shown.out.splitlines() if answer]

    return ask


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("medley comp", ["completion"]),
        ("medley adapter pro", ["promote", "protect"]),
        ("medley adapter promote notes:1 --exp", ["--expect-generation", "--explain"]),
        ("medley adapter show ", ["notes", "notes@production", "notes:2", "notes:1"]),
        ("medley adapter show notes:", ["notes:2", "notes:1"]),
        ("medley adapter show notes@", ["notes@production"]),
        ("medley adapter promote no", ["notes:2", "notes:1"]),
        ("medley adapter rollback notes --alias ", ["production"]),
        ("medley adapter list --state q", ["quarantined"]),
        ("medley adapter publish x --base t", ["tiny"]),
        ("medley base show ", ["tiny"]),
        ("medley adapter show x", []),
        ("medley adapter show --registry /nowhere ", []),
        ("medley completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_a_line_is_completed(
    offered: Callable[[str], list[str]], line: str, words: list[str]
) -> None:
    assert offered(line) == words


def test_keys_are_offered_by_their_ids(home: Path, offered: Callable[[str], list[str]]) -> None:
    made = make_key(home / "k.pem")
    medley("registry", "key", "trust", home / "k.pem", "--name", "k")

    assert offered("medley registry key show ") == [made.key_id]


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_registry_that_cannot_be_read_is_not_complained_of(
    home: Path, offered: Callable[[str], list[str]], content: bytes
) -> None:
    (home / "registry" / "registry.db").write_bytes(content)

    assert offered("medley adapter show ") == []


def test_bash_completes_what_it_has_broken_at_a_colon(home: Path) -> None:
    script = """
        source <(medley completion bash)
        for line in "medley adapter show notes:" "medley adapter show notes@p" "medley adapter pu"
        do
            COMP_LINE=$line COMP_POINT=${#line} _medley_completion medley
            echo "${COMPREPLY[*]}"
        done
    """
    folder = home / "bin"
    folder.mkdir()
    (folder / "medley").write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    (folder / "medley").chmod(0o755)
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("2 1\nproduction\npublish pull\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script(shell: str) -> None:
    script = medley("completion", shell).stdout

    assert "_MEDLEY_COMPLETE=complete_fish" in script
    assert "ASK" not in script


def test_another_shell_is_wrong_usage() -> None:
    assert medley("completion", "csh").exit_code == 2
