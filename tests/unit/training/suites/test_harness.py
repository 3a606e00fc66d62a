import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from medley_training.errors import BadSuite, NotMeasured
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.harness import HarnessSuite, task_metrics

from tests.unit.training.suites.fake_server import FakeServer

RESULTS: dict[str, dict[str, Any]] = {
    "results": {
        "medqa": {
            "alias": "medqa",
            "acc,none": 0.5,
            "acc_stderr,none": 0.1,
            "acc_norm,strict": 0.25,
            "acc_norm_stderr,strict": "N/A",
        }
    },
    "versions": {"medqa": 2},
}
PROGRAM = """#!{python}
import json, pathlib, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
pathlib.Path({seen!r}).write_text(json.dumps(arguments))
folder = pathlib.Path(arguments["--output_path"]) / "base"
folder.mkdir()
(folder / "results_2026.json").write_text({results!r})
print("as said")
sys.exit({code})
"""


def _install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, code: int = 0) -> Path:
    """A program of that name, which writes what it was told and the results above."""
    folder.mkdir()
    seen, program = folder / "seen.json", folder / "lm_eval"
    program.write_text(
        PROGRAM.format(
            python=sys.executable, seen=str(seen), results=json.dumps(RESULTS), code=code
        )
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return seen


async def test_the_harness_is_pointed_at_the_same_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FakeServer, model: EvaluatedModel
) -> None:
    seen = _install(tmp_path / "bin", monkeypatch)
    suite = HarnessSuite("medqa", tmp_path / "base", limit=5)

    async with server.endpoint(concurrency=9) as endpoint:
        found = await suite.ask(endpoint, model, lambda done, total: None)

    told = json.loads(seen.read_text())
    assert told["--model"] == "local-completions"
    assert told["--tasks"] == "medqa"
    assert told["--limit"] == "5"
    assert dict(pair.split("=") for pair in told["--model_args"].split(",")) == {
        "model": "discharge:1",
        "base_url": "http://server/v1/completions",
        "tokenizer": str(tmp_path / "base"),
        "num_concurrent": "9",
        "max_retries": "3",
    }
    assert found.metrics["acc"] == 0.5
    assert found.answers == ()
    assert found.digest not in (None, suite.digest)


async def test_a_harness_that_fails_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FakeServer, model: EvaluatedModel
) -> None:
    _install(tmp_path / "bin", monkeypatch, code=3)

    async with server.endpoint() as endpoint:
        with pytest.raises(NotMeasured, match="ended with 3: as said"):
            await HarnessSuite("medqa", tmp_path).ask(endpoint, model, lambda done, total: None)


async def test_results_of_another_task_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FakeServer, model: EvaluatedModel
) -> None:
    _install(tmp_path / "bin", monkeypatch)

    async with server.endpoint() as endpoint:
        with pytest.raises(NotMeasured, match="no results of anatomy"):
            await HarnessSuite("anatomy", tmp_path).ask(endpoint, model, lambda done, total: None)


async def test_without_the_harness_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: FakeServer, model: EvaluatedModel
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async with server.endpoint() as endpoint:
        with pytest.raises(BadSuite, match=r"pip install 'lm_eval\[api\]'"):
            await HarnessSuite("medqa", tmp_path).ask(endpoint, model, lambda done, total: None)


def test_a_tasks_metrics_have_their_standard_errors_as_intervals() -> None:
    found = task_metrics(RESULTS["results"]["medqa"])

    assert found == pytest.approx(
        {"acc": 0.5, "acc/ci_low": 0.304, "acc/ci_high": 0.696, "acc_norm@strict": 0.25}, abs=1e-3
    )
