"""`medley eval` from its arguments to the registry, with a server that answers by a rule."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from medley.cli import app
from medley_registry import EvidenceKind, Registry, VariantKind
from medley_registry.canonical import Json
from medley_training.data.formatting import ChatTokenizer
from medley_training.suites import catalogue, sitting
from typer.testing import CliRunner

from tests.unit.training.chat_tokenizer import CharacterTokenizer
from tests.unit.training.suites.fake_server import FakeServer


@pytest.fixture
def url(server: FakeServer) -> Iterator[str]:
    with server.listening() as address:
        yield address


@pytest.fixture
def questions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty questions of two subjects, in MedMCQA's form; the base's tokenizer reads letters."""

    def tokenizer(base: object) -> ChatTokenizer:
        return CharacterTokenizer()

    monkeypatch.setattr(catalogue, "_tokenizer", tokenizer)
    lines = [
        {
            "question": f"Which is number {number}?",
            **{f"op{letter}": f"{letter}{number}" for letter in "abcd"},
            "cop": number % 4 + 1,
            "subject_name": "Anatomy" if number < 12 else "Surgery",
        }
        for number in range(20)
    ]
    path = tmp_path / "dev.json"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _medley(registry: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["eval", *arguments, "--registry", str(registry)])
    assert result.exit_code == code, result.output
    return result.stderr if code else result.stdout


def test_two_versions_are_asked_compared_and_recorded(
    registry: Registry, tmp_path: Path, url: str, questions: Path
) -> None:
    place = tmp_path / "registry"
    told = ["discharge:2", "discharge:1", "--suite", "medmcqa", "--data", str(questions)]

    found = json.loads(_medley(place, *told, "--server", url, "--json"))

    [first, second] = found["outcomes"]
    assert (first["model"], second["model"]) == ("discharge:2", "discharge:1")
    assert first["metrics"] == second["metrics"]
    [comparison] = found["comparisons"]
    assert comparison["differences"]["choice_accuracy"]["difference"] == 0
    assert comparison["flips"]["changed_answers"] == 0
    [evidence] = registry.evidence.of("discharge", 2)
    assert (evidence.kind, evidence.suite) == (EvidenceKind.EVALUATION, "medmcqa")
    assert evidence.variant is VariantKind.BF16
    assert evidence.metrics == first["metrics"]
    assert str(evidence.digest) == first["evidence"]
    items = registry.evidence.items(evidence)
    assert len(items) == 20
    counted = {name for item in items for name in item.tallies}
    assert {"choice_accuracy", "choice_accuracy@Anatomy", "choice_accuracy@Surgery"} <= counted


def test_a_base_is_compared_with_and_not_recorded(
    registry: Registry, tmp_path: Path, url: str
) -> None:
    place = tmp_path / "registry"
    told = ["discharge:1", "tiny", "--suite", "prompts", "--server", url, "--json"]

    found = json.loads(_medley(place, *told))

    assert found["outcomes"][1]["evidence"] is None
    assert found["comparisons"][0]["second"] == "tiny"
    [evidence] = registry.evidence.of("discharge", 1)
    beside = found["outcomes"][1]["metrics"]["pass_rate"]
    assert evidence.metrics["base/pass_rate"] == beside


def test_a_variant_is_recorded_as_such(
    registry: Registry, tmp_path: Path, url: str, server: FakeServer
) -> None:
    server.facts |= {"variant": "nf4", "quantization": "bitsandbytes"}
    place = tmp_path / "registry"

    _medley(place, "discharge:1", "--suite", "prompts", "--server", url, "--variant", "nf4")

    [evidence] = registry.evidence.of("discharge", 1)
    assert evidence.variant is VariantKind.NF4
    [variant] = [v for v in registry.evidence.variants("discharge", 1) if v.kind == "nf4"]
    assert (variant.base, variant.recipe) == ("tiny", {"served": "unmerged"})


def test_what_could_not_be_recorded_is_refused_before_anything_is_asked(
    registry: Registry, tmp_path: Path, url: str, server: FakeServer
) -> None:
    server.facts |= {"variant": "nf4", "quantization": "bitsandbytes"}
    recipe: dict[str, Json] = {"served": "otherwise"}
    nf4 = VariantKind.NF4
    registry.evidence.add_variant("discharge", 1, nf4, base="tiny", recipe=recipe, actor="x")
    server.digests.clear()  # a question would fail
    told = ["eval", "discharge:1", "--suite", "prompts", "--registry", str(tmp_path / "registry")]

    for given in (["--server", url], ["--variant", "nf4"]):
        result = CliRunner().invoke(app, [*told, *given])
        assert "discharge:1 has another nf4 variant, on 'tiny'" in str(result.exception)


def test_answers_are_kept_and_a_later_run_is_compared_with_them(
    registry: Registry, tmp_path: Path, url: str
) -> None:
    place, out = tmp_path / "registry", tmp_path / "out"
    told = ["--suite", "prompts", "--server", url, "--no-record"]
    _medley(place, "discharge:1", *told, "--out", str(out))

    again = _medley(place, "discharge:2", *told, "--against", str(out))

    lines = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
    assert all(line["model"] == "discharge:1" and line["prompt"] for line in lines)
    metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text())
    assert metrics["outcomes"][0]["items"] == len(lines)
    assert f"discharge:2 less discharge:1 in {out}" in again
    assert "0 better, 0 worse" in again
    assert registry.evidence.of("discharge", 1) == []


def test_documents_have_a_table_of_sites(
    registry: Registry, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # in less, a table becomes blocks
    told = ["discharge:1", "--suite", "extraction", "--server", url, "--limit", "1"]

    printed = _medley(tmp_path / "registry", *told, "--sites", "harbor", "--sites", "lakeside")

    lines = printed.splitlines()
    assert any(line.startswith("SITE") for line in lines)
    assert {"harbor", "lakeside", "minimum"} <= {line.split()[0] for line in lines if line.split()}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "riddles"], "no suite 'riddles'; there are extraction, medmcqa"),
        (["--suite", "medmcqa"], "medmcqa needs --data"),
        (["--suite", "prompts", "--data", "nowhere"], "nowhere: there is no such file"),
        (["--suite", "extraction", "--sites", "nowhere"], "nowhere"),
        (["--suite", "prompts", "--variant", "awq"], "serves tiny as bf16, and not as awq"),
        (["discharge:1", "--suite", "prompts"], "discharge:1 is given twice"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_one_line(
    registry: Registry, tmp_path: Path, url: str, arguments: list[str], said: str
) -> None:
    told = ["discharge:1", *arguments, "--server", url]

    stderr = _medley(tmp_path / "registry", *told, code=1)

    assert stderr.startswith("error: ")
    assert said in stderr
    assert registry.evidence.of("discharge", 1) == []


def test_a_server_of_another_base_is_refused(
    registry: Registry, tmp_path: Path, url: str, server: FakeServer
) -> None:
    server.facts["base"] = "another"

    stderr = _medley(
        tmp_path / "registry", "discharge:1", "--suite", "prompts", "--server", url, code=1
    )

    assert "serves another, and not tiny" in stderr


def test_a_server_whose_engine_runs_other_weights_is_refused(
    registry: Registry, tmp_path: Path, url: str, server: FakeServer
) -> None:
    server.facts["quantization"] = "bitsandbytes"

    stderr = _medley(
        tmp_path / "registry", "discharge:1", "--suite", "prompts", "--server", url, code=1
    )

    assert "the engine runs tiny quantized by bitsandbytes: that is not bf16" in stderr
    assert registry.evidence.of("discharge", 1) == []


def test_a_plain_stop_ends_it_as_ctrl_c_does(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(sitting, "server", stopped)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    _medley(tmp_path / "registry", "discharge:1", "--suite", "prompts", code=130)

    assert signal.signal(signal.SIGTERM, before) is signal.SIG_IGN


def test_one_question_without_an_answer_fails_all(
    registry: Registry, tmp_path: Path, url: str, server: FakeServer
) -> None:
    server.digests.clear()

    stderr = _medley(
        tmp_path / "registry", "discharge:1", "--suite", "prompts", "--server", url, code=1
    )

    assert "12 of 12 questions were not answered" in stderr
    assert registry.evidence.of("discharge", 1) == []
