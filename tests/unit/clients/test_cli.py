"""The `medley` command as a shell sees it: output, one line of error, exit code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import open_registry

from tests.builders import TINY, make_adapter
from tests.unit.registry.commands.conftest import empty_home, furnished, home
from tests.unit.registry.commands.shell import COMMAND, all_commands, medley, on_terminal, shell

__all__ = ["empty_home", "furnished", "home"]  # pytest finds fixtures by their names here

HEAVY = {
    "alembic",
    "cryptography",
    "fastapi",
    "httpx",
    "huggingface_hub",
    "medley_server",
    "medley_training",
    "model_signing",
    "numpy",
    "obstore",
    "psycopg",
    "pydantic",
    "torch",
    "transformers",
    "vllm",
}


def modules_of(*arguments: str) -> set[str]:
    """The top-level modules that a command imports."""
    code = (
        "import sys, atexit; from medley.cli import main;"
        "atexit.register(lambda: print(*{m.split('.')[0] for m in sys.modules}, file=sys.stderr));"
        f"main({[*arguments]!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_lists_the_commands_and_imports_none_of_them() -> None:
    modules = modules_of("--help")

    assert modules & (HEAVY | {"medley_registry", "rich", "sqlalchemy"}) == set()
    assert "adapter" in medley("--help").stdout


@pytest.mark.parametrize("words", [["adapter", "list"], ["adapter", "list", "notes"]])
def test_a_listing_imports_what_it_needs(home: Path, words: list[str]) -> None:
    modules = modules_of(*words)

    assert "sqlalchemy" in modules
    assert modules & HEAVY == set()


def test_a_refusal_is_one_line_and_exit_code_1(home: Path) -> None:
    done = shell("adapter", "show", "note")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no adapter 'note'; nearest: notes\n"


def test_an_unknown_command_is_wrong_usage_and_names_the_nearest() -> None:
    done = shell("adaptr")

    assert done.returncode == 2
    assert "No such command 'adaptr'. Did you mean 'adapter'?" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["adapter", "promote", "notes"],
        ["adapter", "promote", "notes:x"],
        ["adapter", "promote", "notes@sha256:0"],
        ["adapter", "publish", "/nowhere", "--name", "x", "--base", "y"],
        ["adapter", "publish"],
        ["adapter", "list", "--jsn"],
        ["adapter", "list", "notes", "--state", "good"],
        ["adapter", "list", "notes", "--limit", "0"],
        ["adapter", "promote", "notes:1", "--expect-generation", "-1"],
        ["adapter", "revoke", "notes:1"],
        ["registry", "access", "add", "bob"],
        ["registry", "nothing"],
        ["completion"],
    ],
)
def test_wrong_usage_is_exit_code_2(home: Path, arguments: list[str]) -> None:
    assert medley(*arguments).exit_code == 2


def test_wrong_usage_is_told_before_the_registry_is_opened(tmp_path: Path) -> None:
    done = medley("adapter", "promote", "notes", "--registry", tmp_path / "none")

    assert done.exit_code == 2


def test_a_fault_of_ours_is_no_line_but_a_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medley_registry.commands.registry.event_record", None)

    with pytest.raises(TypeError):
        medley("registry", "events", "--json")


def test_an_error_from_outside_cannot_act_on_the_terminal(home: Path) -> None:
    done = shell("adapter", "show", "notes@\x1b[2J\nforged")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_no_registry_says_how_to_make_one(tmp_path: Path) -> None:
    done = shell("adapter", "list", "--registry", tmp_path / "none")

    assert (done.returncode, done.stdout) == (1, "")
    assert "make one with: medley registry init" in done.stderr


def test_the_whole_life_of_an_adapter(home: Path) -> None:
    folder = make_adapter(home / "adapter-3", fill=3)

    steps = [
        medley("adapter", "publish", folder, "--name", "notes", "--base", TINY, "--round", "3"),
        medley("adapter", "promote", "notes:3", "--expect-generation", "1"),
        medley("adapter", "rollback", "notes"),
        medley("adapter", "promote", "notes:3", "--alias", "canary"),
    ]

    assert [step.exit_code for step in steps] == [0, 0, 0, 0]
    assert steps[0].stdout.startswith("notes:3  sha256:")
    assert steps[1].stdout == "notes@production is notes:3, generation 2\n"
    assert steps[2].stdout == "notes@production is notes:1, generation 3\n"
    assert medley("adapter", "list").stdout.split()[4:] == [
        "notes", "tiny", "3", "canary:3,", "production:1"
    ]  # fmt: skip


def test_a_registry_is_made_and_given_a_base(home: Path) -> None:
    there = home / "there"

    assert medley("registry", "init", "--registry", there).exit_code == 0
    assert medley("registry", "init", "--registry", there).exit_code == 0
    added = medley("base", "add", TINY, home / "base", "--registry", there)

    assert added.stdout.startswith("tiny  sha256:")
    assert TINY in medley("base", "list", "--registry", there).stdout


def test_events_as_json_are_one_object_a_line(home: Path) -> None:
    lines = medley("registry", "events", "--after", "1", "--json").stdout.splitlines()

    events = [json.loads(line) for line in lines]
    assert [event["seq"] for event in events] == [2, 3, 4]
    assert " ".join(events[0]) == "seq at kind subject actor payload previous_hash hash"


def test_every_command_has_help_with_an_example_that_fits_80_columns() -> None:
    for words in all_commands():
        done = medley(*words.split(), "--help", COLUMNS="80")
        lines = done.stdout.splitlines()
        assert done.exit_code == 0
        assert "Usage:" in lines[0], words
        assert any(line.strip() in ("Example:", "Examples:") for line in lines), words
        assert f"    medley {words.removesuffix(' list')}" in done.stdout, words
        assert max(map(len, lines)) <= 80, words


@pytest.mark.parametrize("group", ["", "adapter", "adapter evidence", "base", "registry",
                                   "registry key", "registry access", "train"])  # fmt: skip
def test_no_summary_is_cut_off(group: str) -> None:
    listed = medley(*group.split(), "--help", COLUMNS="80").stdout.partition("Commands:")[2]

    assert listed
    assert "..." not in listed


def test_every_command_can_be_told_where_the_registry_is() -> None:
    without = {
        words
        for words, command in all_commands().items()
        for options in [{option for p in command.params for option in p.opts}]  # type: ignore[attr-defined]
        if not {"--registry", "--blobs", "--tenant"} <= options
    }

    assert without == {"registry schema"}


def test_the_version_is_that_of_the_distribution() -> None:
    assert medley("--version").stdout.startswith("medley 0.")


def test_progress_is_shown_on_a_terminal_only_and_leaves_nothing(home: Path) -> None:
    folder = make_adapter(home / "adapter-3", fill=3)
    words = ["adapter", "publish", folder, "--name", "notes", "--base", TINY]

    status, shown = on_terminal(*words)
    quiet = medley(*words)

    assert status == 0
    assert "checking" in shown
    assert shown.endswith(quiet.stdout.replace("\n", "\r\n"))
    assert "\x1b[2K" in shown  # the bar's line is wiped
    assert quiet.stderr == ""


@pytest.fixture
def follower(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "registry", "events", "--follow"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        yield process
        process.kill()


def first_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(count)]


def test_a_follower_sees_what_another_process_does(
    home: Path, follower: subprocess.Popen[str]
) -> None:
    first_lines(follower, 4)
    with open_registry(home / "registry") as registry:
        registry.promote("notes", 2, actor="bob")

    assert "alias.moved            notes@production  by bob" in first_lines(follower, 1)[0]


def test_an_interrupt_is_quiet(follower: subprocess.Popen[str]) -> None:
    first_lines(follower, 4)
    follower.send_signal(signal.SIGINT)

    output, errors = follower.communicate(timeout=10)
    assert (follower.returncode, output, errors) == (130, "", "")


def test_an_interrupt_while_a_connection_is_given_back_is_quiet(home: Path) -> None:
    code = (
        "from sqlalchemy.pool import _ConnectionFairy\n"
        "def interrupt(*args, **kwargs): raise KeyboardInterrupt\n"
        "_ConnectionFairy._reset = interrupt\n"
        "from medley.cli import main; main(['registry', 'events'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [*COMMAND, "adapter", "list"], stdout=writing, stderr=-1, text=True, check=False
    )

    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
