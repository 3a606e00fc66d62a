"""The committed locks fit the project, and no one machine."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
EXTRAS = {"cpu": ("serve", "train", "dev"), "cuda": ("serve-cuda", "train", "dev")}
PYTHONS = ("3.11", "3.12")


def locked(device: str, python: str) -> dict[str, str]:
    """Name → version, as a Linux machine with this Python gets them."""
    place = {"python_version": python, "python_full_version": f"{python}.0"}
    environment = {**default_environment(), "platform_machine": "x86_64", **place}
    lines = re.findall(r"^([a-z].+?) \\$", text(device), re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in requirements
        if each.marker is None
        or each.marker.evaluate({key: str(environment[key]) for key in environment})
    }


def text(device: str) -> str:
    return (ROOT / "setup" / f"{device}.lock").read_text()


def of_extra(project: dict[str, Any], extra: str) -> list[str]:
    """What an extra asks for, the extras that it names itself among it."""
    found = []
    for line in project["optional-dependencies"][extra]:
        requirement = Requirement(line)
        if requirement.name == project["name"]:
            found += [each for name in requirement.extras for each in of_extra(project, name)]
        else:
            found.append(line)
    return found


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("device", EXTRAS)
def test_the_lock_has_all_that_the_project_asks_for(device: str, python: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"]]
    for extra in EXTRAS[device]:
        asked += of_extra(project, extra)
    versions = locked(device, python)

    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(versions[requirement.name]), requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_the_cpu_lock_takes_the_cpu_build_of_torch_and_nothing_that_cannot_do_without_cuda(
    python: str,
) -> None:
    versions = locked("cpu", python)

    assert versions["torch"] == "2.13.0+cpu"
    assert not versions.keys() & {"torchaudio", "torchcodec", "vllm"}
    assert not [name for name in versions if name.startswith("nvidia-")]


@pytest.mark.parametrize("python", PYTHONS)
def test_torchvision_is_the_one_that_was_built_for_this_torch(python: str) -> None:
    """Its library does not load beside the CPU build; all else of it does (vision_operators)."""
    assert locked("cpu", python)["torchvision"] == locked("cuda", python)["torchvision"] == "0.28.0"


def test_torch_is_locked_for_every_python() -> None:
    entry = re.search(r"^torch==2\.13\.0\+cpu.*\n((?:    --hash.*\n)+)", text("cpu"), re.MULTILINE)

    assert entry is not None
    assert len(entry[1].splitlines()) >= len(PYTHONS)


@pytest.mark.parametrize("device", EXTRAS)
def test_the_lock_names_no_place(device: str) -> None:
    assert not re.search(r"://|--(index-url|find-links)|^\s*[./]", text(device), re.MULTILINE)
