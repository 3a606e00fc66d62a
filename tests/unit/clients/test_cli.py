"""The `medley` command as a shell sees it: output, one line of error, exit code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley.cli import app
from medley_registry import open_registry
from typer.testing import CliRunner, Result

from tests.builders import TINY, make_adapter, make_base

VERSION_KEYS = (
    "reference adapter number digest base base_id rank alpha target_modules size_bytes round "
    "state note published_by created_at aliases files"
)
BASE_KEYS = (
    "name base_id architecture path weights_digest config_digest tokenizer_digest "
    "chat_template_digest created_at"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MEDLEY_HOME with a registry in it, `notes` in two versions."""
    monkeypatch.setenv("MEDLEY_HOME", str(tmp_path))
    monkeypatch.delenv("MEDLEY_REGISTRY", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        for content in (1, 2):
            folder = make_adapter(tmp_path / f"adapter-{content}", fill=content)
            registry.publish(folder, name="notes", base=TINY, actor="ada", note="[red]x[/red]")
        registry.promote("notes", 1, actor="ada")
    return tmp_path


def medley(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def shell(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "medley.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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

    assert modules & {"sqlalchemy", "torch", "vllm", "transformers", "medley_server"} == set()
    assert "adapter" in medley("--help").stdout


def test_listing_adapters_imports_no_engine(home: Path) -> None:
    modules = modules_of("adapter", "list")

    assert "sqlalchemy" in modules
    assert modules & {"torch", "vllm", "transformers", "medley_server", "medley_training"} == set()


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
        ["adapter", "publish", "/nowhere", "--name", "x", "--base", "y"],
        ["adapter", "publish"],
        ["adapter", "list", "--jsn"],
        ["adapter", "promote", "notes:1", "--expect-generation", "-1"],
    ],
)
def test_wrong_usage_is_exit_code_2(home: Path, arguments: list[str]) -> None:
    assert medley(*arguments).exit_code == 2


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


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["adapter", "list"], "name base base_id versions aliases created_at"),
        (["adapter", "list", "notes"], VERSION_KEYS),
        (
            ["adapter", "history", "notes"],
            "adapter alias generation from_number to_number reason actor at",
        ),
        (["base", "list"], BASE_KEYS),
    ],
)
def test_listings_as_json_have_stable_keys(home: Path, arguments: list[str], keys: str) -> None:
    records = json.loads(medley(*arguments, "--json").stdout)

    assert " ".join(records[0]) == keys


def test_one_thing_as_json_is_an_object(home: Path) -> None:
    version = json.loads(medley("adapter", "show", "notes", "--json").stdout)
    base = json.loads(medley("base", "show", TINY, "--json").stdout)

    assert (version["reference"], version["aliases"]) == ("notes:1", ["production"])
    assert base["module_shapes"]["model.layers.0.self_attn.v_proj"] == [4, 8]


def test_events_as_json_are_one_object_a_line(home: Path) -> None:
    lines = medley("registry", "events", "--after", "1", "--json").stdout.splitlines()

    events = [json.loads(line) for line in lines]
    assert [event["seq"] for event in events] == [2, 3, 4]
    assert " ".join(events[0]) == "seq at kind subject actor payload previous_hash hash"


@pytest.mark.parametrize(
    "arguments",
    [
        ["adapter", "list"],
        ["adapter", "list", "notes"],
        ["adapter", "history", "notes"],
        ["base", "list"],
        ["registry", "events"],
    ],
)
def test_tables_fit_80_columns(home: Path, arguments: list[str]) -> None:
    with open_registry(home / "registry") as registry:
        registry.publish(
            home / "adapter-1", name="n" * 63, base=TINY, actor="ada", note="long " * 30
        )

    lines = medley(*arguments).stdout.splitlines()

    assert len(lines) > 1
    if arguments != ["registry", "events"]:
        assert max(map(len, lines)) <= 80


def test_outside_text_is_printed_as_it_is_and_not_as_markup(home: Path) -> None:
    assert "[red]x[/red]" in medley("adapter", "list", "notes").stdout
    assert "[red]x[/red]" in medley("adapter", "show", "notes").stdout


@pytest.mark.parametrize(
    "arguments", [[], ["adapter"], ["adapter", "publish"], ["base", "add"], ["registry", "events"]]
)
def test_every_level_has_help(arguments: list[str]) -> None:
    done = medley(*arguments, "--help")

    assert done.exit_code == 0
    assert "Usage:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_version_is_that_of_the_distribution() -> None:
    assert medley("--version").stdout.startswith("medley 0.")


@pytest.fixture
def follower(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "medley.cli", "registry", "events", "--follow"]
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

    assert "alias.moved        notes@production  by bob" in first_lines(follower, 1)[0]


def test_an_interrupt_is_quiet(follower: subprocess.Popen[str]) -> None:
    first_lines(follower, 4)
    follower.send_signal(signal.SIGINT)

    output, errors = follower.communicate(timeout=10)
    assert (follower.returncode, output, errors) == (130, "", "")


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "medley.cli", "adapter", "list"]

    done = subprocess.run(command, stdout=writing, stderr=-1, text=True, check=False)

    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
