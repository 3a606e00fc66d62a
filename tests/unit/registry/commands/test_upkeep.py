"""`medley registry init`, `fsck`, `gc`, `backup`, `restore`, `migrate` and `seal`."""

import json
import sqlite3
from pathlib import Path

import pytest
from medley_registry import make_key, open_registry

from tests.builders import TINY, make_base
from tests.unit.registry.commands.shell import medley


def test_a_new_registry_trusts_a_key_that_is_made_with_it(empty_home: Path) -> None:
    lines = medley("registry", "init").stdout.splitlines()

    keys = json.loads(medley("registry", "key", "list", "--json").stdout)
    assert lines == [
        f"registry at {empty_home / 'registry'}",
        f"it trusts your key {keys[0]['key_id'][:12]}, {empty_home / 'signing-key.pem'}",
    ]
    assert [key["name"] for key in keys] == ["ada"]


def test_a_key_that_is_there_is_used(empty_home: Path) -> None:
    made = make_key(empty_home / "mine.pem")
    there = ["--registry", empty_home / "there"]

    medley("registry", "init", *there, MEDLEY_SIGNING_KEY=str(empty_home / "mine.pem"))

    keys = json.loads(medley("registry", "key", "list", "--json", *there).stdout)
    assert [key["key_id"] for key in keys] == [made.key_id]
    assert not (empty_home / "signing-key.pem").exists()


def test_a_registry_can_do_without_keys(empty_home: Path) -> None:
    medley("registry", "init", "--no-key")

    assert json.loads(medley("registry", "key", "list", "--json").stdout) == []
    assert not (empty_home / "signing-key.pem").exists()


def test_a_registry_in_use_does_not_begin_to_ask_for_signatures(home: Path) -> None:
    assert medley("registry", "init").stdout == f"registry at {home / 'registry'}\n"
    assert json.loads(medley("registry", "key", "list", "--json").stdout) == []
    assert not (home / "signing-key.pem").exists()


def test_tenants_do_not_see_each_other(home: Path) -> None:
    medley("registry", "init", "--tenant", "ward-3")

    assert json.loads(medley("adapter", "list", "--json", "--tenant", "ward-3").stdout) == []
    assert json.loads(medley("adapter", "list", "--json", MEDLEY_TENANT="ward-3").stdout) == []
    assert len(json.loads(medley("adapter", "list", "--json").stdout)) == 1


def test_a_whole_registry_is_found_whole(home: Path) -> None:
    for options in ([], ["--quick"]):
        done = medley("registry", "fsck", *options)
        assert (done.exit_code, done.stderr) == (0, "")
        assert done.stdout.startswith("checked 2 versions, 4 events and 3 blobs")


def test_damage_is_listed_and_is_exit_code_1(home: Path) -> None:
    blob = next(path for path in (home / "registry" / "blobs").rglob("*") if path.is_file())
    blob.chmod(0o600)
    blob.write_bytes(b"x" * blob.stat().st_size)

    done = medley("registry", "fsck")
    findings = json.loads(medley("registry", "fsck", "--json").stdout)["findings"]

    assert done.exit_code == 1
    assert done.stdout.startswith("blob-content: ")
    assert done.stderr == f"error: damaged: {len(findings)} finding{'s' * (len(findings) > 1)}\n"
    assert {finding["code"] for finding in findings} == {"blob-content"}


def test_a_log_that_was_cut_off_does_not_fit_its_seal(home: Path) -> None:
    make_key(home / "signing-key.pem")
    medley("registry", "backup", home / "backup")
    medley("adapter", "promote", "notes:2")
    medley("registry", "seal", "--out", home / "monday.seal")

    whole = medley("registry", "fsck", "--seal", home / "monday.seal")
    older = medley(
        "registry", "fsck", "--seal", home / "monday.seal", "--registry", home / "backup"
    )

    assert whole.exit_code == 0
    assert older.exit_code == 1
    assert "seal-broken" in older.stdout


def test_a_seal_by_another_key_does_not_count(home: Path) -> None:
    make_key(home / "signing-key.pem")
    make_key(home / "other.pem")
    (home / "x.seal").write_text(medley("registry", "seal", "--key", home / "other.pem").stdout)

    done = medley("registry", "fsck", "--seal", home / "x.seal")
    own = medley("registry", "fsck", "--seal", home / "x.seal", "--key", home / "other.pem")

    assert (done.exit_code, own.exit_code) == (1, 0)
    assert done.stderr.startswith("error: ")


def test_a_seal_is_not_written_over_another(home: Path) -> None:
    make_key(home / "signing-key.pem")
    (home / "monday.seal").write_text("kept")

    assert medley("registry", "seal", "--out", home / "monday.seal").exit_code == 1
    assert (home / "monday.seal").read_text() == "kept"


def test_a_deleted_versions_bytes_go_when_they_may(home: Path) -> None:
    medley("adapter", "delete", "notes:2", "--reason", "a slip")

    young = medley("registry", "gc", "--retention", "0s")
    dry = medley("registry", "gc", "--retention", "0s", "--grace", "0s", "--dry-run")
    done = medley("registry", "gc", "--retention", "0s", "--grace", "0s")

    assert young.stdout.startswith("removed 0 blobs (0 bytes) and 0 leftovers")
    assert dry.stdout.startswith("would remove 1 blob (")
    assert done.stdout.startswith("removed 1 blob (")
    assert medley("registry", "fsck").exit_code == 0


@pytest.mark.parametrize("time", ["24", "h", "-1h", "1.5h", "1w", ""])
def test_what_is_no_time_is_wrong_usage(home: Path, time: str) -> None:
    assert medley("registry", "gc", "--grace", time).exit_code == 2


def test_a_backup_is_a_registry_and_becomes_one_again(home: Path) -> None:
    medley("registry", "backup", home / "backup")
    medley("registry", "restore", home / "backup", "--registry", home / "there")

    listed = medley("adapter", "list", "notes", "--json").stdout
    for place in ("backup", "there"):
        assert medley("adapter", "list", "notes", "--json", "--registry", home / place).stdout == (
            listed
        )


def test_nothing_is_restored_over_a_registry(home: Path) -> None:
    medley("registry", "backup", home / "backup")

    done = medley("registry", "restore", home / "backup")

    assert done.exit_code == 1
    assert "is not empty" in done.stderr


def test_a_registry_that_is_up_to_date_stays_as_it_is(home: Path) -> None:
    assert medley("registry", "migrate").stdout == f"{home / 'registry'} is up to date\n"
    assert not (home / "registry" / "registry.db.0001").exists()


def test_the_first_releases_registry_is_migrated(empty_home: Path) -> None:
    folder = empty_home / "registry"
    with open_registry(folder, create=True):
        (folder / "registry.db").unlink()
    dump = Path(__file__).parents[3] / "contract" / "registry-0001.sql"
    connection = sqlite3.connect(folder / "registry.db")
    connection.executescript(dump.read_text())
    connection.close()

    before = medley("adapter", "list")
    done = medley("registry", "migrate")

    assert "run: medley registry migrate" in before.stderr
    assert done.stdout == f"{folder} had schema 0001, and is migrated\n"
    assert medley("adapter", "list").exit_code == 0


def test_there_is_nothing_to_migrate_where_nothing_is(empty_home: Path) -> None:
    done = medley("registry", "migrate")

    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: no registry at {empty_home / 'registry'}")
    assert not (empty_home / "registry").exists()


def test_the_log_tells_what_moved_and_why(home: Path) -> None:
    medley("adapter", "promote", "notes:2")
    medley("adapter", "revoke", "notes:2", "--reason", "a withdrawn chart")

    lines = medley("registry", "events").stdout.splitlines()

    assert lines[3].endswith("notes@production  by ada  - → 1  promote")
    assert lines[4].endswith("notes@production  by ada  1 → 2  promote")
    assert lines[5].endswith("by ada  a withdrawn chart")
    assert lines[6].endswith("notes@production  by ada  2 → 1  withdraw")


def test_a_base_tells_what_it_was_made_from(home: Path) -> None:
    quantized = make_base(home / "nf4", config={"quantization_config": {"bits": 4}})
    (home / "recipe.json").write_text('{"bits": 4}')

    medley(
        "base", "add", "tiny-nf4", quantized, "--derived-from", TINY,
        "--recipe", home / "recipe.json",
    )  # fmt: skip

    assert "from    tiny" in medley("base", "show", "tiny-nf4").stdout
    shown = json.loads(medley("base", "show", "tiny-nf4", "--json").stdout)
    assert shown["recipe"] == {"bits": 4}
