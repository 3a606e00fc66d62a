"""A home with a registry in it, for commands."""

import shutil
from pathlib import Path

import pytest
from medley_registry import open_registry

from tests.builders import TINY, make_adapter, make_base


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MEDLEY_HOME without a registry, on a terminal of 80 columns, the user being ada."""
    monkeypatch.setenv("MEDLEY_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LOGNAME", "ada")
    for name in ("REGISTRY", "BLOBS", "TENANT", "SIGNING_KEY", "SIGNING_PASSPHRASE"):
        monkeypatch.delenv(f"MEDLEY_{name}", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `home` is a copy of; to make it takes longer than to copy it."""
    folder = tmp_path_factory.mktemp("furnished")
    with open_registry(folder / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(folder / "base"), actor="ada")
        for content in (1, 2):
            adapter = make_adapter(folder / f"adapter-{content}", fill=content)
            registry.publish(adapter, name="notes", base=TINY, actor="ada", note="[red]x[/red]")
        registry.promote("notes", 1, actor="ada")
    return folder


@pytest.fixture
def home(empty_home: Path, furnished: Path) -> Path:
    """As `empty_home`, with `notes` in two versions and the first in production."""
    return shutil.copytree(furnished, empty_home, dirs_exist_ok=True)
