"""`medley adapter pull`, `export`, `import` and `sign`."""

import json
from pathlib import Path

import pytest
from medley_registry import KeySigner, make_key

from tests.builders import TINY, make_adapter, make_base
from tests.unit.registry.commands.shell import medley


@pytest.fixture
def signed(empty_home: Path) -> Path:
    """A home with a registry that trusts ada's key, and a signed version in it."""
    medley("registry", "init")
    medley("base", "add", TINY, make_base(empty_home / "base"))
    publish(empty_home)
    return empty_home


def publish(home: Path, *options: object, **environment: str) -> str:
    folder = home / "adapter"
    if not folder.exists():
        make_adapter(folder)
    done = medley(
        "adapter", "publish", folder, "--name", "notes", "--base", TINY, *options, **environment
    )
    return done.stderr


def signers(home: Path) -> list[str]:
    version = json.loads(medley("adapter", "show", "notes:1", "--json").stdout)
    return [signature["key_id"] for signature in version["signatures"]]


def own_key_id(home: Path) -> str:
    return KeySigner(home / "signing-key.pem").key_id


def test_a_new_registry_signs_with_the_key_at_home(signed: Path) -> None:
    assert signers(signed) == [own_key_id(signed)]
    assert (signed / "signing-key.pem").stat().st_mode & 0o777 == 0o600


def test_without_a_key_a_registry_that_trusts_one_takes_nothing(signed: Path) -> None:
    (signed / "signing-key.pem").unlink()
    make_adapter(signed / "other", fill=2)

    done = medley("adapter", "publish", signed / "other", "--name", "notes", "--base", TINY)

    assert done.exit_code == 1
    assert done.stderr == ("error: this registry takes signed versions only; give a signing key\n")


def test_a_key_of_the_environment_goes_before_the_one_at_home(signed: Path) -> None:
    other = make_key(signed / "other.pem")
    make_adapter(signed / "other", fill=2)

    done = medley(
        "adapter", "publish", signed / "other", "--name", "notes", "--base", TINY,
        MEDLEY_SIGNING_KEY=str(signed / "other.pem"),
    )  # fmt: skip

    assert done.stderr == (
        f"error: the signing key {other.key_id[:12]} is not trusted by this registry\n"
    )


def test_a_registry_that_asks_for_no_signature_gets_none_unasked(home: Path) -> None:
    make_key(home / "signing-key.pem")
    make_adapter(home / "other", fill=3)

    done = medley("adapter", "publish", home / "other", "--name", "notes", "--base", TINY)

    assert done.exit_code == 0
    version = json.loads(medley("adapter", "show", "notes:3", "--json").stdout)
    assert version["signatures"] == []


def test_a_second_key_signs_too(signed: Path) -> None:
    reviewer = make_key(signed / "reviewer.pem")
    medley("registry", "key", "trust", signed / "reviewer.pem", "--name", "reviewer")

    done = medley("adapter", "sign", "notes:1", "--key", signed / "reviewer.pem")

    assert done.stdout == f"notes:1 is signed by key {reviewer.key_id}\n"
    assert sorted(signers(signed)) == sorted([own_key_id(signed), reviewer.key_id])


def test_signing_without_any_key_says_where_one_would_be(home: Path) -> None:
    done = medley("adapter", "sign", "notes:1")

    assert done.exit_code == 1
    assert done.stderr == (
        f"error: no signing key at {home / 'signing-key.pem'}; give one with --key\n"
    )


def test_pulled_files_are_those_that_were_published(home: Path) -> None:
    done = medley("adapter", "pull", "notes:1", home / "pulled")

    assert done.stdout == f"{home / 'pulled'}\n"
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (home / "pulled" / name).read_bytes() == (home / "adapter-1" / name).read_bytes()


def test_a_folder_that_holds_something_is_left_alone(home: Path) -> None:
    done = medley("adapter", "pull", "notes:1", home / "base")

    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert (home / "base" / "config.json").exists()


def test_a_version_goes_from_one_registry_to_another(signed: Path) -> None:
    there = ["--registry", signed / "there"]
    medley("adapter", "export", "notes:1", signed / "out")
    medley("registry", "init", *there)
    medley("base", "add", TINY, signed / "base", *there)

    done = medley("adapter", "import", signed / "out", *there)

    assert done.stdout.startswith("notes:1  sha256:")
    assert medley("adapter", "verify", "notes:1", *there).exit_code == 0


def test_a_key_can_be_trusted_for_one_import(signed: Path) -> None:
    there = ["--registry", signed / "there"]
    medley("adapter", "export", "notes:1", signed / "out")
    medley("registry", "init", "--no-key", *there)
    medley("base", "add", TINY, signed / "base", *there)
    make_key(signed / "stranger.pem")

    refused = medley(
        "adapter", "import", signed / "out", "--trust", signed / "stranger.pem", *there
    )
    taken = medley(
        "adapter", "import", signed / "out", "--trust", signed / "signing-key.pem", *there
    )

    assert (refused.exit_code, taken.exit_code) == (1, 0)


def test_a_peft_folder_is_imported_under_a_name(home: Path) -> None:
    make_adapter(home / "peft", fill=4)
    (home / "peft" / "optimizer.pt").write_bytes(b"left alone")

    nameless = medley("adapter", "import", home / "peft")
    done = medley("adapter", "import", home / "peft", "--name", "notes", "--base", TINY)

    assert nameless.stderr.startswith("error: refused by rule import-name")
    assert done.stdout.startswith("notes:3  sha256:")


def test_what_is_not_there_cannot_be_imported(home: Path) -> None:
    done = medley("adapter", "import", home / "nothing", "--name", "notes", "--base", TINY)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
