"""Tasks of EleutherAI's lm-evaluation-harness, asked of the same server.

The harness is a program of its own (``lm_eval``), with its own tasks, prompts and data, and is not
part of Medley's install. Its ``local-completions`` model asks the OpenAI API.
"""

import asyncio
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medley_registry import Digest
from medley_registry.canonical import Json, canonical_json

from medley_training.errors import BadSuite, NotMeasured
from medley_training.suites.endpoint import Endpoint
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.suite import Findings, Observer

PROGRAM = "lm_eval"
NORMAL = 1.959964
"""Standard errors on either side of a mean that hold 95 % of a normal distribution."""
_SHOWN = 400


@dataclass(frozen=True, slots=True)
class HarnessSuite:
    """One task of the harness.

    Attributes:
        task: As `lm_eval --tasks list` calls it.
        tokenizer: The base's folder; the harness makes the tokens itself.
        limit: The first so many questions; None for all.
        seed: Of the harness's few-shot examples.
    """

    task: str
    tokenizer: Path
    limit: int | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """The task's, under a heading of its own."""
        return f"lm-eval/{self.task}"

    @property
    def main_metric(self) -> str:
        """What most tasks have."""
        return "acc"

    @property
    def digest(self) -> Digest:
        """Of what is asked for; what came of it, `ask` adds."""
        return Digest.of(canonical_json(self._asked()))

    async def ask(self, endpoint: Endpoint, model: EvaluatedModel, observer: Observer) -> Findings:
        """Let the harness carry out the task.

        Raises:
            BadSuite: It is not installed.
            NotMeasured: It failed, or left no results of the task.
        """
        program = shutil.which(PROGRAM)
        if program is None:
            raise BadSuite(
                f"lm-eval:{self.task} needs the program {PROGRAM}, which is not installed: run"
                " `pip install 'lm_eval[api]'` in an environment on the PATH"
            )
        with tempfile.TemporaryDirectory(prefix="medley-lm-eval-") as folder:
            await self._run(program, self._arguments(endpoint, model, folder), endpoint.key)
            found = self._results(Path(folder))
        observer(1, 1)
        asked = self._asked() | {"version": found.get("versions", {}).get(self.task)}
        return Findings(
            (), task_metrics(found["results"][self.task]), Digest.of(canonical_json(asked))
        )

    def _asked(self) -> dict[str, Json]:
        return {"lm-eval": self.task, "limit": self.limit, "seed": self.seed}

    def _arguments(self, endpoint: Endpoint, model: EvaluatedModel, folder: str) -> list[str]:
        settings = {
            "model": model.name,
            "base_url": f"{endpoint.url}/v1/completions",
            "tokenizer": str(self.tokenizer),
            "num_concurrent": str(endpoint.concurrency),
            "max_retries": "3",
        }
        told = ["--model", "local-completions", "--tasks", self.task]
        told += ["--model_args", ",".join(f"{name}={value}" for name, value in settings.items())]
        told += ["--output_path", folder, "--seed", str(self.seed)]
        return told if self.limit is None else [*told, "--limit", str(self.limit)]

    async def _run(self, program: str, arguments: list[str], key: str) -> None:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"OPENAI_API_KEY": key or "none"},
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            tail = " ".join(said.decode(errors="replace").split())[-_SHOWN:]
            raise NotMeasured(f"{PROGRAM} ended with {process.returncode}: {tail}")

    def _results(self, folder: Path) -> dict[str, Any]:
        for path in sorted(folder.rglob("results_*.json")):
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if self.task in found.get("results", {}):
                return found
        raise NotMeasured(f"{PROGRAM} left no results of {self.task}")


def task_metrics(found: dict[str, Any]) -> dict[str, float]:
    """A task's metrics by name, with intervals from the standard errors that come with them.

    The harness writes ``acc,none`` and ``acc_stderr,none``: the metric and the filter before it.
    """
    metrics: dict[str, float] = {}
    for key, value in found.items():
        name, _, chosen = key.partition(",")
        if not chosen or name.endswith("_stderr") or not isinstance(value, int | float):
            continue
        called = name if chosen == "none" else f"{name}@{chosen}"
        metrics[called] = float(value)
        error = found.get(f"{name}_stderr,{chosen}")
        if isinstance(error, int | float):
            metrics[f"{called}/ci_low"] = value - NORMAL * error
            metrics[f"{called}/ci_high"] = value + NORMAL * error
    return metrics
