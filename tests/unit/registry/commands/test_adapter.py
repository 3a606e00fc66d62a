"""`medley adapter publish`, `list` and `show`."""

import json
from pathlib import Path
from typing import get_args

import pytest
from medley_registry import open_registry
from medley_registry.adapters import FIRST_STATES
from medley_registry.commands.adapter import FirstState

from tests.builders import TINY, make_adapter
from tests.unit.registry.commands.shell import medley


def publish(folder: Path, *options: str) -> list[object]:
    return ["adapter", "publish", folder, "--name", "notes", "--base", TINY, *options]


def test_a_version_is_published_with_all_that_is_told_of_it(home: Path) -> None:
    folder = make_adapter(home / "adapter-3", fill=3)

    done = medley(
        *publish(folder, "--round", "3", "--note", "warm", "--state", "quarantined"),
        "--parent", "notes:2:trained_from",
    )  # fmt: skip

    version = json.loads(medley("adapter", "show", "notes:3", "--json").stdout)
    assert done.stdout.startswith("notes:3  sha256:")
    assert (version["round"], version["note"], version["state"]) == (3, "warm", "quarantined")
    assert [p["reference"] for p in version["lineage"]["parents"]] == ["notes:2"]
    assert version["lineage"]["parents"][0]["relation"] == "trained_from"


def test_lineage_may_come_from_a_file_that_names_only_what_it_knows(home: Path) -> None:
    folder = make_adapter(home / "adapter-3", fill=3)
    (home / "lineage.json").write_text('{"run": "run-7", "strategy": "stacking"}')

    medley(
        *publish(folder, "--lineage", str(home / "lineage.json"), "--parent", "notes:merged_from")
    )

    lineage = json.loads(medley("adapter", "show", "notes:3", "--json").stdout)["lineage"]
    assert (lineage["run"], lineage["strategy"]) == ("run-7", "stacking")
    assert [parent["reference"] for parent in lineage["parents"]] == ["notes:1"]


@pytest.mark.parametrize(
    "text",
    [
        '{"runs": "7"}',
        '{"parents": [{"reference": "notes:1"}]}',
        '{"parents": 7}',
        '{"recipe": "x"}',
        '{"recipe": 7}',
        "[]",
        "{",
    ],
)
def test_a_file_that_is_no_lineage_is_refused_by_a_rule(home: Path, text: str) -> None:
    (home / "lineage.json").write_text(text)

    done = medley(*publish(home / "adapter-1", "--lineage", str(home / "lineage.json")))

    assert done.exit_code == 1
    assert done.stderr.startswith("error: refused by rule lineage")


@pytest.mark.parametrize("parent", ["notes:1", "notes:1:cousin_of", "notes"])
def test_a_parent_without_a_relation_is_wrong_usage(home: Path, parent: str) -> None:
    assert medley(*publish(home / "adapter-1", "--parent", parent)).exit_code == 2


def test_a_parent_that_is_not_there_is_refused(home: Path) -> None:
    done = medley(*publish(home / "adapter-1", "--parent", "notes:9:trained_from"))

    assert done.exit_code == 1
    assert "'notes' has no version 9" in done.stderr


def test_the_first_states_are_those_of_the_registry() -> None:
    assert set(get_args(FirstState)) == {state.value for state in FIRST_STATES}


def test_a_list_shows_the_newest_versions_and_how_to_see_older_ones(home: Path) -> None:
    with open_registry(home / "registry") as registry:
        for content in range(3, 8):
            folder = make_adapter(home / f"adapter-{content}", fill=content)
            registry.publish(folder, name="notes", base=TINY, actor="ada")

    newest = medley("adapter", "list", "notes", "--limit", "3")
    older = medley("adapter", "list", "notes", "--limit", "3", "--before", "5")
    oldest = medley("adapter", "list", "notes", "--limit", "3", "--before", "2")

    assert [line.split()[0] for line in newest.stdout.splitlines()[1:]] == [
        "notes:5", "notes:6", "notes:7"
    ]  # fmt: skip
    assert newest.stderr == "older ones: medley adapter list notes --before 5\n"
    assert [line.split()[0] for line in older.stdout.splitlines()[1:]] == [
        "notes:2", "notes:3", "notes:4"
    ]  # fmt: skip
    assert (len(oldest.stdout.splitlines()), oldest.stderr) == (2, "")


def test_a_list_of_one_state_goes_back_until_it_is_full(home: Path) -> None:
    with open_registry(home / "registry") as registry:
        registry.lifecycle.deprecate("notes", 1, actor="ada")

    records = json.loads(
        medley("adapter", "list", "notes", "--state", "deprecated", "--limit", "1", "--json").stdout
    )

    assert [record["reference"] for record in records] == ["notes:1"]
    assert json.loads(medley("adapter", "list", "notes", "--state", "draft", "--json").stdout) == []


def test_a_list_of_adapters_shows_where_their_aliases_point(home: Path) -> None:
    assert medley("adapter", "list").stdout.splitlines() == [
        "ADAPTER  BASE  VERSIONS  ALIASES",
        "notes    tiny  2         production:1",
    ]


def test_a_version_shows_why_it_was_revoked(home: Path) -> None:
    medley("adapter", "revoke", "notes:2", "--reason", "a withdrawn chart")

    assert "state    revoked: a withdrawn chart" in medley("adapter", "show", "notes:2").stdout


def test_a_version_shows_its_lineage_only_if_it_has_one(home: Path) -> None:
    plain = medley("adapter", "show", "notes:2").stdout
    folder = make_adapter(home / "adapter-3", fill=3)
    medley(*publish(folder, "--parent", "notes:2:trained_from"))

    assert "parents" not in plain
    assert "parents  notes:2 (trained_from)" in medley("adapter", "show", "notes:3").stdout


def test_a_digest_fits_a_line_of_80_columns(home: Path) -> None:
    for words in (["adapter", "show", "notes"], ["base", "show", TINY]):
        lines = medley(*words).stdout.splitlines()
        assert any(len(line.rpartition("sha256:")[2]) == 64 for line in lines)
        assert max(map(len, lines)) <= 80
