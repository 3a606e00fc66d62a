"""`medley train key` and `medley train participant`, as a shell sees them."""

import json
from pathlib import Path

import pytest
import typer
from medley_training.commands import key, participant
from medley_training.identity.keys import PublicKey, SigningKey
from typer.testing import CliRunner, Result

app = typer.Typer()
app.add_typer(key.app, name="key")
app.add_typer(participant.app, name="participant")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(*words: str) -> Result:
    return CliRunner().invoke(app, [*words])


def done(*words: str) -> str:
    result = train(*words)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def refused(*words: str) -> str:
    result = train(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_a_key_is_made_and_shown() -> None:
    made = done("key", "make", "north.pem")
    shown = train("key", "show", "north.pem")

    public = SigningKey.load(Path("north.pem")).public
    assert public.key_id in made
    assert PublicKey(shown.stdout) == public
    assert shown.stderr == f"key {public.key_id}\n"
    told = json.loads(done("key", "show", "north.pem", "--json"))
    assert told == {"key_id": public.key_id, "public_key": public.pem}


def test_a_key_that_is_there_or_not_there_is_one_line() -> None:
    done("key", "make", "north.pem")

    assert "never overwritten" in refused("key", "make", "north.pem")
    assert "no key at none.pem" in refused("key", "show", "none.pem")
    Path("north.pem").chmod(0o644)
    assert "chmod 600 north.pem" in refused("key", "show", "north.pem")


def test_a_participant_is_added_rotated_and_revoked() -> None:
    first = json.loads(done("key", "make", "north.pem", "--json"))
    second = json.loads(done("key", "make", "north-2.pem", "--json"))
    Path("north.pub.pem").write_text(first["public_key"])

    done("participant", "add", "north", "north.pub.pem", "--until", "2999-12-31")
    done("participant", "rotate", "north", "north-2.pem", "--overlap", "24h")
    done("participant", "revoke", "north", first["key_id"][:8], "--yes")

    listed = json.loads(done("participant", "list", "--json"))
    assert [row["participant"] for row in listed] == ["north", "north"]
    assert [row["key_id"] for row in listed] == [first["key_id"], second["key_id"]]
    assert [row["flaw"] for row in listed] == ["revoked_key", None]
    assert listed[0]["valid_until"] < "2999"
    table = done("participant", "list").splitlines()
    assert table[0].split() == ["PARTICIPANT", "KEY", "COUNTS", "SINCE", "UNTIL"]
    assert "revoked" in table[1]
    assert table[2].endswith("open")


def test_a_book_elsewhere_is_named() -> None:
    done("key", "make", "north.pem")

    done("participant", "add", "north", "north.pem", "--book", "run/book.json")

    assert json.loads(done("participant", "list", "--json")) == []
    (row,) = json.loads(done("participant", "list", "--book", "run/book.json", "--json"))
    assert row["participant"] == "north"


def test_refusals_are_one_line() -> None:
    done("key", "make", "north.pem")
    done("key", "make", "south.pem")
    done("participant", "add", "north", "north.pem")
    Path("text.pem").write_text("no key")

    assert "rotation" in refused("participant", "add", "north", "south.pem")
    assert "north's already" in refused("participant", "add", "east", "north.pem")
    assert "is no name" in refused("participant", "add", "a/b", "south.pem")
    assert "not a public key" in refused("participant", "add", "south", "text.pem")
    assert "known: north" in refused("participant", "rotate", "nroth", "south.pem")
    assert "no one key" in refused("participant", "revoke", "north", "00000000")
    Path("participants.json").chmod(0o600)
    Path("participants.json").write_text("\x1b[2J")
    assert "\x1b" not in refused("participant", "list")


@pytest.mark.parametrize(
    "words",
    [
        ["participant", "add", "north"],
        ["participant", "add", "north", "none.pem"],
        ["participant", "rotate", "north", "none.pem"],
        ["participant", "revoke", "north"],
        ["key", "make"],
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    assert train(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [["key", "make"], ["key", "show"]]
    + [["participant", word] for word in ("add", "rotate", "revoke", "list")],
)
def test_every_help_has_an_example(words: list[str]) -> None:
    assert f"medley train {' '.join(words)}" in done(*words, "--help")
