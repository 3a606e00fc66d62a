"""What an export holds, and that there is never half of one."""

import hashlib
import json
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from medley_registry import (
    DigestMismatch,
    KeySigner,
    NameTaken,
    NotServable,
    Registry,
    SignatureRefused,
)
from medley_registry.exchange import export_version

from tests.builders import TINY, make_adapter
from tests.unit.registry.exchange.conftest import OWN_README, new_registry


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_an_export_is_an_adapter_folder_with_all_that_verifies_it(
    package: Path, adapter_folder: Path, key: KeySigner
) -> None:
    files = files_of(package)

    assert files.keys() == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "medley/README.md",
        "medley/bom.cdx.json",
        f"medley/keys/{key.key_id}.pem",
        "medley/model.sig",
        "medley/package.sig",
        "medley/version.json",
    }
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert files[name] == (adapter_folder / name).read_bytes()
    assert files["medley/README.md"].decode() == OWN_README
    assert files[f"medley/keys/{key.key_id}.pem"].decode() == key.public_key
    record = json.loads(files["medley/version.json"])
    assert record["version"]["note"] == "first light"
    assert b"/" not in json.dumps(record["base"]).encode(), "a path on this machine"


def test_the_card_names_the_base_as_the_configuration_does_and_ends_with_the_own_readme(
    package: Path,
) -> None:
    card = (package / "README.md").read_text()

    assert card.startswith('---\nbase_model: "example/Tiny-1B"\n')
    assert 'license: "mit"' in card
    assert card.endswith("> # The publisher's words\n")


def test_the_same_version_makes_the_same_bytes(
    exporter: Registry, package: Path, key: KeySigner, tmp_path: Path
) -> None:
    again = export_version(exporter, "notes:1", tmp_path / "again", signer=key)

    one, other = files_of(package), files_of(again)
    del one["medley/package.sig"], other["medley/package.sig"]
    assert one == other


def test_the_commands_in_the_card_verify_it_with_the_format_s_own_tool(
    package: Path, tmp_path: Path, key: KeySigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import model_signing

    card = (package / "README.md").read_text()
    copy = next(line for line in card.splitlines() if line.startswith("mkdir signed && cp "))
    sources = copy.removeprefix("mkdir signed && cp ").removesuffix(" signed/").split()
    (tmp_path / "signed").mkdir()
    for source in sources:
        shutil.copy(package / source, tmp_path / "signed")
    public_key = package / "medley" / "keys" / f"{key.key_id}.pem"

    verifier = model_signing.verifying.Config()  # type: ignore[no-untyped-call]
    verifier.use_elliptic_key_verifier(public_key=public_key)
    verifier.verify(tmp_path / "signed", package / "medley" / "model.sig")

    assert "--public_key KEY.pem\n```" in card
    assert key.key_id in card


def test_progress_ends_with_all_bytes(exporter: Registry, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    export_version(exporter, "notes:1", tmp_path / "out", progress=lambda *step: seen.append(step))

    total = exporter.resolve("notes:1").size_bytes
    assert seen[-1] == (total, total)


def test_an_empty_folder_is_filled(exporter: Registry, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.mkdir()

    assert export_version(exporter, "notes:1", target) == target
    assert (target / "medley" / "version.json").is_file()


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_there_is_not_replaced(exporter: Registry, tmp_path: Path, is_file: bool) -> None:
    target = tmp_path / "place" / "there"
    target.parent.mkdir()
    if is_file:
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine").touch()

    with pytest.raises(NameTaken, match="exists and is not empty"):
        export_version(exporter, "notes:1", target)

    assert [entry.name for entry in target.parent.iterdir()] == ["there"]


def test_a_damaged_store_leaves_nothing_behind(
    exporter: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter.blobs, "open", lambda _: BytesIO(b"rotten"))

    with pytest.raises(DigestMismatch, match=r"README\.md: the store holds"):
        export_version(exporter, "notes:1", tmp_path / "place" / "out")

    assert list((tmp_path / "place").iterdir()) == []


def test_a_version_that_may_not_be_served_does_not_leave(
    exporter: Registry, tmp_path: Path
) -> None:
    exporter.lifecycle.quarantine("notes", 1, actor="ada", reason="odd answers")

    with pytest.raises(NotServable, match="quarantined"):
        export_version(exporter, "notes:1", tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_version_whose_key_is_distrusted_does_not_leave(
    exporter: Registry, key: KeySigner, tmp_path: Path
) -> None:
    exporter.trust.distrust(key.key_id, actor="ada", reason="lost")

    with pytest.raises(SignatureRefused, match="no signature that counts"):
        export_version(exporter, "notes:1", tmp_path / "out")


def test_an_unsigned_version_leaves_without_signature(base_folder: Path, tmp_path: Path) -> None:
    registry = new_registry(base_folder, base=TINY)
    registry.publish(make_adapter(tmp_path / "plain"), name="plain", base=TINY, actor="ada")

    folder = export_version(registry, "plain:1", tmp_path / "out")

    assert files_of(folder).keys() == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "medley/bom.cdx.json",
        "medley/version.json",
    }
    assert "The version is not signed." in (folder / "README.md").read_text()


def test_the_digest_in_the_record_is_that_of_its_manifest(package: Path) -> None:
    record = json.loads((package / "medley" / "version.json").read_text())
    manifest = json.dumps(record["manifest"], sort_keys=True, separators=(",", ":"))

    digest = hashlib.sha256(manifest.encode()).hexdigest()

    assert record["version"]["digest"] == f"sha256:{digest}"
