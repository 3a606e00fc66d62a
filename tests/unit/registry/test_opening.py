from pathlib import Path

import pytest
from medley_registry import NotARegistry, Unavailable, UnsupportedLocation, mounts, open_registry

from tests.builders import TINY, make_adapter, make_base


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "REGISTRY", "BLOBS", "TENANT"):
        monkeypatch.delenv(f"MEDLEY_{name}", raising=False)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_folder_without_a_registry_says_how_to_make_one(tmp_path: Path) -> None:
    wanted = f"no registry at {tmp_path}; make one with: medley registry init --registry {tmp_path}"

    with pytest.raises(NotARegistry, match=wanted):
        open_registry(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_registry_is_made_where_asked_and_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "registry"

    with open_registry(folder, create=True) as made:
        assert made.head() == 0
    with open_registry(folder) as again:
        assert again.adapters() == []
    assert names(folder) == ["blobs", "registry.db"]


def test_making_a_registry_that_is_there_keeps_it(tmp_path: Path) -> None:
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")

    with open_registry(tmp_path / "registry", create=True) as registry:
        assert [base.name for base in registry.bases()] == [TINY]


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c%20d#e"

    open_registry(folder, create=True).close()

    assert (folder / "registry.db").is_file()


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable):
        open_registry(tmp_path / "file" / "registry", create=True)


def test_blobs_may_lie_in_another_folder(tmp_path: Path) -> None:
    index, big = tmp_path / "index", tmp_path / "big"
    with open_registry(index, blobs=big, create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        registry.publish(make_adapter(tmp_path / "a"), name="notes", base=TINY, actor="ada")

    with open_registry(index, blobs=str(big)) as registry:
        assert registry.checkout(registry.resolve("notes:1"), tmp_path / "out").is_dir()
    assert "blobs" not in names(index)
    assert names(big) == ["blobs"]


def test_tenants_do_not_see_each_other(tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    for tenant in ("", "st-mary"):
        with open_registry(tmp_path / "r", tenant=tenant, create=True) as registry:
            registry.add_base(f"base-of-{tenant or 'all'}", base, actor="ada")

    with open_registry(tmp_path / "r") as registry:
        assert [found.name for found in registry.bases()] == ["base-of-all"]
    with open_registry(tmp_path / "r", tenant="st-mary") as registry:
        assert [found.name for found in registry.bases()] == ["base-of-st-mary"]
    with pytest.raises(NotARegistry, match=r"tenant st-john.*--tenant st-john"):
        open_registry(tmp_path / "r", tenant="st-john")
    assert names(tmp_path / "r/tenants") == ["st-mary"]


@pytest.mark.parametrize("is_there", [False, True])
def test_an_index_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    if is_there:
        open_registry(tmp_path, create=True).close()
    monkeypatch.setattr(mounts, "file_system_of", lambda _: "nfs4")

    with pytest.raises(UnsupportedLocation, match=r"network file system \(nfs4\).*a local disk"):
        open_registry(tmp_path, create=True)


@pytest.mark.parametrize("package", ["psycopg", "obstore"])
def test_a_small_install_says_what_a_large_registry_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    import sys

    for module in ("s3", "postgres"):
        monkeypatch.delitem(sys.modules, f"medley_registry.backends.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    location, blobs = {
        "psycopg": ("postgresql://127.0.0.1:1/x", str(tmp_path)),
        "obstore": (str(tmp_path), "s3://bucket"),
    }[package]

    with pytest.raises(UnsupportedLocation, match=rf"{package}: pip install 'medley\[scale\]'"):
        open_registry(location, blobs=blobs)
