"""No pickle enters in any guise, and nothing ever loads one to find out."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import MODULES
from tests.fuzz.disguises import MARK, hidden, shown, trap

_EXAMINE = """
import json, sys
from pathlib import Path

loaded = []

def watch(event, arguments):
    if event in ("pickle.find_class", "os.mkdir"):
        loaded.append(event)

from medley_registry import AdmissionRefused
from medley_registry.admission import examine

sys.addaudithook(watch)
shapes = {name: tuple(shape) for name, shape in json.loads(sys.argv[1]).items()}
found = {}
for folder in sys.argv[2:]:
    try:
        examine(Path(folder), module_shapes=shapes)
        found[Path(folder).name] = None
    except AdmissionRefused as refusal:
        found[Path(folder).name] = refusal.rule
readers = {"pickle", "_pickle", "torch", "joblib", "dill", "zipfile", "tarfile"}
print(json.dumps([found, sorted(readers & sys.modules.keys()), loaded]))
"""


def examined(
    folders: list[Path], *, cwd: Path
) -> tuple[dict[str, str | None], list[str], list[str]]:
    """Each folder's rule, what could have loaded a pickle, and what it was seen to do."""
    command = [sys.executable, "-c", _EXAMINE, json.dumps(MODULES), *map(str, folders)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True)
    found, readers, loaded = json.loads(done.stdout)
    return found, readers, loaded


def test_the_trap_springs_when_it_is_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    pickle.loads(trap())

    assert (tmp_path / MARK).is_dir()


def test_every_disguised_pickle_is_refused_and_none_is_loaded(tmp_path: Path) -> None:
    disguises = list(hidden())
    folders = [disguise.make(tmp_path / disguise.name) for disguise in disguises]

    found, _, loaded = examined(folders, cwd=tmp_path)

    assert len(disguises) >= 30
    assert found.keys() == {disguise.name for disguise in disguises}
    assert [name for name, rule in found.items() if rule is None] == []
    assert loaded == []
    assert not (tmp_path / MARK).exists()


def test_nothing_that_could_load_a_pickle_is_even_imported(tmp_path: Path) -> None:
    """Until numbers are looked at: numpy imports pickle for its own use."""
    before_the_numbers = [disguise for disguise in hidden() if "last tensor" not in disguise.name]
    folders = [disguise.make(tmp_path / disguise.name) for disguise in before_the_numbers]

    _, readers, _ = examined(folders, cwd=tmp_path)

    assert readers == []


def test_a_pickle_that_is_text_among_text_is_only_text(tmp_path: Path) -> None:
    folders = [disguise.make(tmp_path / disguise.name) for disguise in shown()]

    found, _, loaded = examined(folders, cwd=tmp_path)

    assert found == dict.fromkeys(found)
    assert loaded == []
    assert not (tmp_path / MARK).exists()
