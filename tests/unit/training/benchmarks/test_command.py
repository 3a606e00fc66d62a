"""`medley bench`: what it refuses before anything is started, and what it prints and records."""

import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer
from medley_registry import VariantKind, open_registry
from medley_registry.canonical import Json
from medley_training.benchmarks import benchmark, starting
from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.lane import Lane, LaneName
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.turn import Turn
from medley_training.commands.bench import bench
from typer.testing import CliRunner, Result

from tests.builders import TINY, make_adapter, make_base
from tests.unit.training.benchmarks.made import MACHINE, turn

CONFIG = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 20,
}


@pytest.fixture
def registry(tmp_path: Path) -> str:
    with open_registry(tmp_path / "real", create=True) as opened:
        opened.add_base(TINY, make_base(tmp_path / "base", config=CONFIG), actor="x")
        opened.publish(make_adapter(tmp_path / "a"), name="notes", base=TINY, actor="x")
        opened.promote("notes", 1, alias="production", actor="x")
        opened.publish(make_adapter(tmp_path / "b"), name="letters", base=TINY, actor="x")
    return str(tmp_path / "real")


class AnsweringLane:
    """Every request is answered at once."""

    load_s = 1.0

    def __init__(self, name: LaneName) -> None:
        self.name = name

    def run(self, condition: Condition, load: Load, repeat: int) -> Turn:
        return turn()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Nothing real is started; the lanes that would have been."""
    names: list[str] = []

    @contextmanager
    def start(_: Any, name: LaneName) -> Iterator[Lane]:
        names.append(str(name))
        yield AnsweringLane(name)

    monkeypatch.setattr(starting.Starter, "start", start)
    monkeypatch.setattr(benchmark, "machine_speed", lambda: MACHINE)
    return names


def _run(registry: str, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(bench)
    return CliRunner().invoke(app, [*arguments, "--registry", registry])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name a REF, or --base"),
        (["notes:1", "--variants", "int8"], "--variants"),
        (["notes:1", "--variants", "awq"], "medley quantize tiny --method awq"),
        (["notes:1", "--adapters", "some"], "--adapters"),
        (["notes:1", "--concurrency", "many"], "--concurrency"),
        (["notes:1", "--kind", "open"], "--rate"),
        (["--base", TINY, "--adapters", "1"], "name one"),
        (["notes@production", "notes:1"], "notes:1 is given twice"),
        (["notes:1", "letters:1"], "letters:1 has the content of notes:1"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(
    registry: str, started: Sequence[str], arguments: list[str], says: str
) -> None:
    result = _run(registry, *arguments)

    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not started


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["q:1"], "publish it for tiny, and measure that with --variants awq"),
        (["--base", "tiny-awq"], "measure it with --base tiny --variants awq"),
    ],
)
def test_a_quantized_base_is_measured_as_a_variant_of_its_origin_alone(
    registry: str, tmp_path: Path, started: Sequence[str], arguments: list[str], says: str
) -> None:
    recipe: dict[str, Json] = {"method": "awq"}
    with open_registry(registry) as opened:
        made = make_base(tmp_path / "awq", fill=5, config=CONFIG)
        opened.add_base("tiny-awq", made, actor="x", derived_from=TINY, recipe=recipe)
        opened.publish(make_adapter(tmp_path / "q", fill=3), name="q", base="tiny-awq", actor="x")

    result = _run(registry, *arguments)

    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not started


def test_what_could_not_be_recorded_is_refused_before_anything_is_started(
    registry: str, tmp_path: Path, started: Sequence[str]
) -> None:
    recipe: dict[str, Json] = {"served": "unmerged"}
    nf4: dict[str, Json] = {"method": "nf4"}
    with open_registry(registry) as opened:
        opened.evidence.add_variant(
            "notes", 1, VariantKind.NF4, base=TINY, recipe=recipe, actor="x"
        )
        made = make_base(tmp_path / "nf4", fill=5, config=CONFIG)
        opened.add_base("tiny-nf4", made, actor="x", derived_from=TINY, recipe=nf4)

    result = _run(registry, "notes:1", "--variants", "bf16,nf4", "--quick")

    assert "on 'tiny', and served would be 'tiny-nf4'" in str(result.exception)
    assert not started


def test_rows_are_printed_as_json_and_recorded(
    registry: str, started: Sequence[str], tmp_path: Path
) -> None:
    result = _run(
        registry,
        *("notes:1", "--variants", "bf16,nf4", "--adapters", "none,1,2", "--concurrency", "2"),
        *("--quick", "--apart", "--json", "--out", str(tmp_path / "out")),
    )

    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [*started] == [
        f"{engine}-{variant}-{form}"
        for variant in ("bf16", "nf4")
        for engine in ("vllm", "transformers")
        for form in ("plain", "lora")
    ]
    assert len(told["rows"]) == 2 * 2 * 3
    assert told["rows"][2]["versions"] == ["notes:1", "stand-in-0:1"]
    assert len(told["evidence"]) == 2
    assert (tmp_path / "out" / "rows.json").is_file()
    with open_registry(registry) as opened:
        found = opened.evidence.of("notes", 1)
    assert [one.variant for one in found] == [VariantKind.BF16, VariantKind.NF4]
    assert all(one.suite == "bench-quick" for one in found)


def test_people_get_a_table_and_are_told_what_was_not_measured(
    registry: str, started: Sequence[str]
) -> None:
    result = _run(registry, "--base", TINY, "--concurrency", "2", "--quick", "--apart")

    assert result.exit_code == 0, result.output
    assert "no LoRA" in result.stdout
    assert "GB/s" in result.stderr
    assert "document-image latency per page: the base sees no images" in result.stderr


def test_people_see_how_long_a_page_takes(
    registry: str, started: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [{"variant": "bf16", "pages": 2, "page_ms": {"p50": 812.0, "p95": 900.0, "max": 905.0}}]
    monkeypatch.setattr(benchmark, "_pages", lambda *_: (pages, None))

    result = _run(registry, "--base", TINY, "--concurrency", "2", "--quick", "--apart")

    assert result.exit_code == 0, result.output
    assert "A PAGE p50" in result.stdout
    assert "812" in result.stdout


def test_a_plain_stop_ends_it_as_ctrl_c_does(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(benchmark, "run_benchmark", stopped)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    assert _run(registry, "notes:1", "--quick").exit_code == 130

    assert signal.signal(signal.SIGTERM, before) is signal.SIG_IGN


def test_no_record_leaves_the_registry_as_it_was(registry: str, started: Sequence[str]) -> None:
    result = _run(
        registry, "notes:1", "--adapters", "none", "--quick", "--no-record", "--no-transformers"
    )

    assert result.exit_code == 0, result.output
    with open_registry(registry) as opened:
        assert opened.evidence.of("notes", 1) == []


def test_an_open_load_leaves_transformers_out_and_says_why(
    registry: str, started: Sequence[str]
) -> None:
    result = _run(
        registry,
        *("notes:1", "--kind", "open", "--rate", "2", "--adapters", "none", "--quick"),
        *("--concurrency", "2", "--no-record", "--json"),
    )

    assert result.exit_code == 0, result.output
    assert [*started] == ["vllm-bf16-plain"]
    assert "open loop" in json.loads(result.stdout)["not_measured"][0]["why"]
