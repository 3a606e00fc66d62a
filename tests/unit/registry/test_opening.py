from pathlib import Path

import pytest
from medley_registry import (
    NotARegistry,
    Unavailable,
    UnsupportedLocation,
    medley_home,
    open_registry,
    registry_folder,
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDLEY_HOME", raising=False)
    monkeypatch.delenv("MEDLEY_REGISTRY", raising=False)


def test_the_argument_wins_over_the_environment_and_that_over_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert medley_home() == Path.home() / ".medley"
    assert registry_folder() == Path.home() / ".medley/registry"

    monkeypatch.setenv("MEDLEY_HOME", "/srv/medley")
    assert registry_folder() == Path("/srv/medley/registry")

    monkeypatch.setenv("MEDLEY_REGISTRY", "~/there")
    assert registry_folder() == Path.home() / "there"
    assert registry_folder("/here") == Path("/here")


@pytest.mark.parametrize("location", ["postgresql+psycopg://host/db", "s3://bucket"])
def test_a_url_is_not_opened_yet(location: str) -> None:
    with pytest.raises(UnsupportedLocation, match="cannot be opened yet"):
        open_registry(location)


def test_a_folder_without_a_registry_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotARegistry, match=f"no registry at {tmp_path}.*medley registry init"):
        open_registry(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_registry_is_made_where_asked_and_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "registry"

    with open_registry(folder, create=True) as made:
        assert made.head() == 0
    with open_registry(folder) as again:
        assert again.adapters() == []
    assert sorted(file.name for file in folder.iterdir()) == ["blobs", "registry.db"]


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c%20d#e"

    open_registry(folder, create=True).close()

    assert (folder / "registry.db").is_file()


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable):
        open_registry(tmp_path / "file" / "registry", create=True)
