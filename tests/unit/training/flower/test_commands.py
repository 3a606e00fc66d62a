"""The commands across machines, up to where they would call each other (tests/flower goes on)."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_training.commands.train import app
from medley_training.data.examples import Example
from typer.testing import CliRunner, Result


@pytest.fixture(autouse=True)
def _own_log_level() -> Iterator[None]:
    yield
    logging.getLogger("medley_training").setLevel(logging.NOTSET)


def train(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def told(*arguments: str | Path) -> str:
    """The one line that a refused command ends with."""
    result = train(*arguments)
    assert result.exit_code == 1, result.output
    return result.stderr.splitlines()[-1]


def test_certificates_and_a_node_key_make_an_installation(tmp_path: Path) -> None:
    made = train("certificates", tmp_path / "certs", "--host", "10.0.4.17", "--json")
    key = train("node-key", tmp_path / "certs" / "sites" / "north", "--json")
    again = train("certificates", tmp_path / "certs", "--json")

    assert json.loads(made.stdout)["authority"] == str(tmp_path / "certs" / "ca.pem")
    assert json.loads(key.stdout)["public"].endswith("sites/north.pub")
    assert json.loads(again.stdout)["sites"] == ["north"]
    assert "never overwritten" in told("node-key", tmp_path / "certs" / "sites" / "north")


@pytest.fixture
def coordinator(tmp_path: Path) -> list[str | Path]:
    train("certificates", tmp_path / "certs")
    book = tmp_path / "book.json"
    book.write_text('{"version": 1, "participants": {}}')
    return [
        *("coordinator", "smoke", "--run-dir", tmp_path / "run", "--quiet"),
        *("--listen", "127.0.0.1:1", "--certificates", tmp_path / "certs"),
        *("--participants", book),
    ]


def register(folder: Path, *names: str) -> None:
    for name in names:
        train("key", "make", folder / f"{name}.pem")
        added = train(
            "participant", "add", name, folder / f"{name}.pem", "--book", folder / "book.json"
        )
        assert added.exit_code == 0, added.output


def test_a_coordinator_names_the_site_that_has_no_key(
    coordinator: list[str | Path], tmp_path: Path
) -> None:
    (tmp_path / "book.json").unlink()
    register(tmp_path, "brannock", "harbor")

    assert "has no key of lakeside: add it with `medley train participant" in told(*coordinator)


def test_a_coordinator_cannot_wait_for_more_sites_than_there_are(
    coordinator: list[str | Path],
) -> None:
    result = train(*coordinator, "--wait", "4")

    assert result.exit_code == 2
    assert "the recipe has 3 sites" in result.stderr


@pytest.fixture
def site(tmp_path: Path) -> list[str | Path]:
    train("certificates", tmp_path / "certs")
    train("node-key", tmp_path / "node.key")
    train("key", "make", tmp_path / "key.pem")
    return [
        *("site", "--name", "harbor", "--coordinator", "127.0.0.1:1", "--patience", "0"),
        *("--authority", tmp_path / "certs" / "ca.pem", "--node-key", tmp_path / "node.key"),
        *("--key", tmp_path / "key.pem", "--coordinator-key", tmp_path / "key.pem"),
        *("--folder", tmp_path / "site"),
    ]


def test_a_site_says_what_it_lacks(site: list[str | Path], tmp_path: Path) -> None:
    model, data = folders(tmp_path)

    assert "give the base model with --base" in told(*site)
    assert "give this site's examples with --data" in told(*site, "--base", model)
    assert "holds no examples" in told(*site, "--base", model, "--data", model)
    (model / "config.json").rename(model / "config")
    assert "is no model folder" in told(*site, "--base", model, "--data", data)
    nowhere = ("--base", "nowhere", "--registry", tmp_path / "registry")
    assert "the registry knows no base 'nowhere'" in told(*site, *nowhere, "--data", data)


def test_a_site_that_is_not_in_the_recipe_is_told_the_others(site: list[str | Path]) -> None:
    site[site.index("harbor")] = "elsewhere"

    line = told(*site, "--recipe", "smoke")

    assert "'elsewhere' is no site of smoke; there are brannock, harbor, lakeside" in line


def test_a_site_without_patience_ends_where_nobody_listens(
    site: list[str | Path], tmp_path: Path
) -> None:
    model, data = folders(tmp_path)

    assert "no coordinator at 127.0.0.1:1" in told(*site, "--base", model, "--data", data)


def folders(path: Path) -> tuple[Path, Path]:
    """What looks like a base model, which is not loaded before a question comes, and a chat."""
    model, data = path / "model", path / "examples.jsonl"
    model.mkdir()
    (model / "config.json").write_text("{}")
    data.write_text(Example.exchange("How is she?", "Well.").to_json())
    return model, data
