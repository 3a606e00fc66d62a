"""`medley adapter retire`, `quarantine`, `revoke`, `delete`, `verify` and so on."""

import json
from pathlib import Path

import pytest
from medley_registry import make_key, open_registry

from tests.unit.registry.commands.shell import medley, on_terminal


def test_a_version_goes_through_its_states(home: Path) -> None:
    steps = [
        medley("adapter", "quarantine", "notes:2", "--reason", "odd doses"),
        medley("adapter", "validate", "notes:2"),
        medley("adapter", "admit", "notes:2"),
        medley("adapter", "retire", "notes:2", "--reason", "superseded"),
        medley("adapter", "admit", "notes:2"),
    ]

    assert [step.stdout for step in steps] == [
        f"notes:2 is {state}\n"
        for state in ("quarantined", "validated", "admitted", "deprecated", "admitted")
    ]


def test_a_way_that_leads_nowhere_is_refused(home: Path) -> None:
    done = medley("adapter", "admit", "notes:2")

    assert done.exit_code == 1
    assert done.stderr.startswith("error: notes:2 is admitted; from there it may become")


def test_a_revocation_tells_which_aliases_moved(home: Path) -> None:
    medley("adapter", "promote", "notes:2")

    done = medley("adapter", "revoke", "notes", "--reason", "a withdrawn chart")

    assert done.exit_code == 0
    revoked, moved = done.stdout.splitlines()
    assert revoked.startswith("notes:2 is revoked: sha256:")
    assert moved == "notes@production is notes:1, generation 3"


def test_a_revocation_that_would_leave_an_alias_nowhere_is_refused(home: Path) -> None:
    done = medley("adapter", "revoke", "notes:1", "--reason", "x")

    assert done.exit_code == 1
    assert "promote another version first" in done.stderr


@pytest.mark.parametrize("reason", [[], ["--reason", ""]])
def test_a_revocation_has_a_reason(home: Path, reason: list[str]) -> None:
    assert medley("adapter", "delete", "notes:2", *reason).exit_code == 2


def test_a_deleted_version_says_why(home: Path) -> None:
    assert medley("adapter", "delete", "notes:2", "--reason", "a slip").stdout == (
        "notes:2 is deleted\n"
    )

    assert medley("adapter", "show", "notes:2").stderr == ("error: notes:2 was deleted: a slip\n")


@pytest.mark.parametrize(
    ("answer", "options", "code"), [("n\n", [], 1), ("y\n", [], 0), ("", ["--yes"], 0)]
)
def test_on_a_terminal_a_revocation_asks_first(
    home: Path, answer: str, options: list[str], code: int
) -> None:
    medley("adapter", "promote", "notes:2")

    status, shown = on_terminal(
        "adapter", "revoke", "notes", "--reason", "x", *options, keys=answer
    )

    assert status == code
    assert ("notes@production will step back" in shown) is (options == [])
    assert ("is revoked" in shown) is (code == 0)
    state = json.loads(medley("adapter", "show", "notes:2", "--json").stdout)["state"]
    assert state == ("revoked" if code == 0 else "admitted")


def test_a_version_that_is_whole_is_verified(home: Path) -> None:
    done = medley("adapter", "verify", "notes")

    assert done.exit_code == 0
    checks = [line.split()[:2] for line in done.stdout.splitlines()[1:]]
    assert checks == [
        ["manifest", "good"],
        ["adapter_config.json", "good"],
        ["adapter_model.safetensors", "good"],
        ["signature", "good"],
        ["state", "good"],
    ]


def stored(home: Path, path: str) -> Path:
    with open_registry(home / "registry") as registry:
        files = registry.resolve("notes").manifest.files
    digest = next(entry.sha256 for entry in files if entry.path == path)
    return next((home / "registry" / "blobs").rglob(digest.hex))


def test_a_flipped_bit_is_found_and_named(home: Path) -> None:
    blob = stored(home, "adapter_model.safetensors")
    blob.chmod(0o600)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)

    done = medley("adapter", "verify", "notes")

    assert done.exit_code == 1
    assert done.stderr.startswith(
        "error: notes:1: adapter_model.safetensors: the store holds sha256:"
    )


def test_a_missing_file_is_found_and_the_others_are_looked_at(home: Path) -> None:
    stored(home, "adapter_config.json").unlink()

    done = medley("adapter", "verify", "notes", "--json")

    record = json.loads(done.stdout)
    assert (done.exit_code, record["is_good"]) == (1, False)
    assert [c["subject"] for c in record["checks"] if not c["is_good"]] == ["adapter_config.json"]


def test_an_unsigned_version_is_not_good_where_keys_are_trusted(home: Path) -> None:
    make_key(home / "key.pem")
    medley("registry", "key", "trust", home / "key.pem", "--name", "ada")

    done = medley("adapter", "verify", "notes")

    assert done.exit_code == 1
    assert "signature" in done.stderr
    assert "it is not signed" in done.stderr


def test_a_quarantined_version_is_not_good(home: Path) -> None:
    medley("adapter", "quarantine", "notes:2", "--reason", "odd")

    done = medley("adapter", "verify", "notes:2")

    assert (done.exit_code, done.stderr) == (1, "error: notes:2: state: quarantined\n")
