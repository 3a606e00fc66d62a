"""Where packages are looked for, with the real uv."""

import sys
import venv
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from installer import Uv, finding_torch, pip_settings, reason, uv_variables
from machine import SetupError

from tests.unit.setup.wheels import make_wheel, serving

NOWHERE = "http://127.0.0.1:9"
TORCH = "2.13.0+cpu"


@pytest.fixture
def uv(tmp_path: Path) -> Uv:
    """The tests' own uv, working on an empty environment and asking no index."""
    folder = tmp_path / "environment"
    venv.create(folder, symlinks=True)
    (folder / "bin" / "uv").symlink_to(Path(sys.prefix) / "bin" / "uv")
    cache = str(tmp_path / "cache")
    variables = {"UV_CACHE_DIR": cache, "UV_HTTP_RETRIES": "0"}
    return Uv(folder, variables, asks_index=False)


def installed(uv: Uv) -> list[str]:
    return [info.stem for info in uv.folder.rglob("*.dist-info")]


def test_torch_in_a_folder_of_wheels_needs_no_index(
    uv: Uv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path / "wheels", "torch", TORCH)
    monkeypatch.setenv("MEDLEY_TORCH_INDEX", NOWHERE)
    uv = uv.with_links(str(tmp_path / "wheels"))

    assert finding_torch(uv, [f"torch=={TORCH}"]) == uv


def test_torch_that_is_in_no_folder_comes_from_pytorchs_index(
    uv: Uv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "cpu.lock"
    lock.write_text(make_wheel(tmp_path / "index" / "torch", "torch", TORCH))

    with serving(tmp_path / "index") as address:
        monkeypatch.setenv("MEDLEY_TORCH_INDEX", address)
        uv = finding_torch(uv, ["--constraint", str(lock), "torch"])
        synced = uv.pip("sync", "--require-hashes", str(lock))

    assert synced.returncode == 0, synced.stderr
    assert installed(uv) == [f"torch-{TORCH}"]


def test_a_wheel_whose_digest_is_not_the_locks_is_not_installed(uv: Uv, tmp_path: Path) -> None:
    locked, _, digest = make_wheel(tmp_path, "torch", TORCH).partition("sha256:")
    lock = tmp_path / "cpu.lock"
    lock.write_text(f"{locked}sha256:{digest.strip()[::-1]}\n")

    refused = uv.with_links(str(tmp_path)).pip("sync", "--require-hashes", str(lock))

    assert refused.returncode != 0
    assert "hash" in refused.stderr.lower()
    assert installed(uv) == []


def test_torch_that_cannot_be_had_tells_the_index_and_the_way_round(
    uv: Uv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDLEY_TORCH_INDEX", NOWHERE)

    with pytest.raises(SetupError) as stopped:
        finding_torch(uv, [f"torch=={TORCH}"])

    assert f"{NOWHERE}/torch/ cannot be reached" in str(stopped.value)
    assert "PIP_FIND_LINKS" in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_uv_is_told_what_pip_is_told_and_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    printed = (
        f":env:.find-links='{tmp_path} https://wheels.example/page'\n"
        "global.find-links='/elsewhere'\n"
        "global.index-url='https://mirror.example/simple'\n"
        "global.timeout='60'\n"
    )

    assert uv_variables(pip_settings(printed), {}) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_FIND_LINKS": f"{tmp_path},https://wheels.example/page",
    }


def test_a_folder_of_wheels_that_is_not_there_is_passed_over() -> None:
    assert uv_variables({"find-links": "/absent"}, {}) == {}


def test_what_uv_is_told_already_stays() -> None:
    settings = {"index-url": "https://mirror.example/simple"}

    assert uv_variables(settings, {"UV_DEFAULT_INDEX": "https://mine.example"}) == {}


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        (
            "error: failed\n  cause: Failed to fetch: `https://index.example/numpy/`\n  cause: dns",
            "https://index.example/numpy/ cannot be reached",
        ),
        ("OSError: [Errno 28] No space left on device", "no space is left on the disk"),
        ("error: Unsupported\n  Caused by: no wheel fits\n\nhint: look", "no wheel fits"),
        ("", "no reason given"),
    ],
)
def test_a_failure_is_told_in_one_line(printed: str, line: str) -> None:
    assert reason(CompletedProcess([], 1, stdout="", stderr=printed)) == line
