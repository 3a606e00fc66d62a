import subprocess
import sys
from pathlib import Path

import pytest
from medley_training import demo_adapters
from medley_training.data.examples import Example
from medley_training.demo_adapters import VERSIONS, DemoVersion, command, make_version
from medley_training.errors import AdapterNotReadable
from medley_training.local.lora import CONFIG_FILE, WEIGHTS_FILE, read_adapter
from medley_training.local.trainer import TrainingResult
from typer.testing import CliRunner

from tests.unit.training.tiny_base import save_byte_tokenizer, tiny_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base model with a tokenizer, in a folder."""
    folder = tmp_path_factory.mktemp("base")
    tiny_base(save_byte_tokenizer(folder)).save_pretrained(folder)
    return folder


def _version(number: int, *, parent: int | None, prompt: str) -> DemoVersion:
    return DemoVersion(
        adapter="tiny",
        number=number,
        parent=parent,
        draw=lambda _: (Example.exchange(prompt, "yes"),),
        epochs=1,
        learning_rate=1e-3,
    )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Replaces the training, and lists the versions and seeds that were asked for."""
    calls: list[tuple[str, int]] = []

    def make(version: DemoVersion, base: Path, out: Path, *, seed: int) -> TrainingResult:
        calls.append((str(version), seed))
        return TrainingResult((3.0, 0.5), num_examples=10, num_tokens=600, duration_s=2.0)

    monkeypatch.setattr(demo_adapters, "make_version", make)
    return calls


def _run(folder: Path, *options: str) -> tuple[int, str]:
    arguments = ["--base", str(folder), "--out", str(folder), *options]
    result = CliRunner().invoke(command(), arguments)
    return result.exit_code, result.output


def test_help_needs_no_torch() -> None:
    program = (
        "import sys; from medley_training.demo_adapters import command;"
        "command()(['--help'], standalone_mode=False);"
        "sys.exit('torch' in sys.modules)"
    )
    command_line = [sys.executable, "-c", program]
    done = subprocess.run(command_line, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "--base" in done.stdout
    assert "--only" in done.stdout


def test_all_versions_are_made_parents_first(tmp_path: Path, made: list[tuple[str, int]]) -> None:
    code, output = _run(tmp_path)

    assert code == 0
    assert made == [(str(version), 7) for version in VERSIONS]
    for version in VERSIONS:
        if version.parent is not None:
            parent = f"{version.adapter}:{version.parent}"
            assert made.index((parent, 7)) < made.index((str(version), 7))
    assert "triage-note:1  10 examples, 2 steps, loss 3.000 -> 0.500, 300 tokens/s" in output


def test_one_version_can_be_made_with_another_seed(
    tmp_path: Path, made: list[tuple[str, int]]
) -> None:
    code, _ = _run(tmp_path, "--only", "plain-words:2", "--seed", "11")

    assert code == 0
    assert made == [("plain-words:2", 11)]


def test_making_a_version_twice_gives_the_same_bytes(tmp_path: Path, base: Path) -> None:
    version = _version(1, parent=None, prompt="Is it?")

    for out in ("a", "b"):
        make_version(version, base, tmp_path / out, seed=3)

    config, tensors = read_adapter(tmp_path / "a" / "tiny" / "v1")
    assert config["base_model_name_or_path"] == "smollm2-135m-instruct"
    assert len(tensors) == 8
    for file in (CONFIG_FILE, WEIGHTS_FILE):
        first, second = (tmp_path / out / "tiny" / "v1" / file for out in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


def test_a_second_version_starts_from_the_first(tmp_path: Path, base: Path) -> None:
    make_version(_version(1, parent=None, prompt="Is it?"), base, tmp_path, seed=3)

    make_version(_version(2, parent=1, prompt="Was it?"), base, tmp_path, seed=4)

    (_, first), (_, second) = (read_adapter(tmp_path / "tiny" / f"v{n}") for n in (1, 2))
    moved = max(float((second[name] - first[name]).abs().max()) for name in first)
    assert 0 < moved < 5e-3


def test_a_second_version_needs_the_first(tmp_path: Path, base: Path) -> None:
    with pytest.raises(AdapterNotReadable, match="v1"):
        make_version(_version(2, parent=1, prompt="Was it?"), base, tmp_path, seed=3)


def test_an_unknown_version_is_wrong_usage(tmp_path: Path, made: list[tuple[str, int]]) -> None:
    code, output = _run(tmp_path, "--only", "plain-words:9")

    assert code == 2
    assert "plain-words:9" in output
    assert made == []


def test_a_refusal_is_one_line_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(version: DemoVersion, base: Path, out: Path, *, seed: int) -> TrainingResult:
        raise AdapterNotReadable("no adapter in v1")

    monkeypatch.setattr(demo_adapters, "make_version", refuse)

    code, output = _run(tmp_path, "--only", "triage-note:2")

    assert code == 1
    assert output == "error: triage-note:2: no adapter in v1\n"
