"""How far the forms of a base move what versions think of their golden answers.

    python -m tests.bench.golden_tolerance --base FOLDER [--answers 8] [--forms bf16,nf4,awq]

The demo's four versions get golden prompts as `medley train golden` writes them, on made-up texts
that none was trained on. Each form of the base is then served, and asked what each version thinks
of its answers, and what the other version of its adapter and the base itself think of them. One
prompt that is off refuses a version, so of those others the prompt counts that is off the most: it
must stay well above what a form moves, or no tolerance could tell them apart (`WIDER` in
`medley_server.probing`).
"""

import argparse
import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from medley.server_process import ServerProcess
from medley_registry import open_registry
from medley_registry.golden import GoldenPrompt
from medley_server.demo.performance import publish_all
from medley_server.demo.showcase import PLAIN_WORDS, TRIAGE_NOTE
from medley_server.demo.small_base import NAME
from medley_server.demo.stage import Stage
from medley_training.demo_adapters import VERSIONS, DemoVersion
from medley_training.evaluation.choices import ChoiceQuestion
from medley_training.golden import write_golden
from medley_training.suites.endpoint import Endpoint, ServerAddress
from medley_training.suites.evaluated import EvaluatedModel, evaluated_models
from medley_training.suites.likelihood import option_log_likelihoods

SEED = 1031
"""Not the demo's own, so that other texts are drawn."""
SHOWN = {str(shown.name): shown for shown in (TRIAGE_NOTE, PLAIN_WORDS)}


@dataclass(frozen=True, slots=True)
class Measured:
    """A version, and its golden prompts."""

    version: DemoVersion
    prompts: tuple[GoldenPrompt, ...]

    @property
    def other(self) -> str:
        """The other version of the same adapter."""
        return f"{self.version.adapter}:{3 - self.version.number}"


def measured(version: DemoVersion, base: Path, home: Path, answers: int) -> Measured:
    """Measures a version as its publisher would."""
    folder = home / version.adapter / str(version.number)
    shutil.copytree(SHOWN[version.adapter].folder(version.number), folder)
    golden = write_golden(folder, base=base, examples=version.examples(SEED), most=answers)
    return Measured(version, golden.prompts)


def served(form: str, home: Path) -> ServerProcess:
    """A server of one form."""
    return ServerProcess(
        NAME,
        home / "registry",
        log=home / f"{form}.log",
        home=home,
        options=("--variant", form, "--no-page"),
        engine_flags=("--max-model-len", "1024", "--kv-cache-memory-bytes", str(1 << 28)),
    )


class Scorer:
    """Asks a server what models think of answers."""

    def __init__(self, endpoint: Endpoint, base: Path, models: Sequence[EvaluatedModel]) -> None:
        from transformers import AutoTokenizer

        self._encode = AutoTokenizer.from_pretrained(base).encode
        self._endpoint = endpoint
        self._models = {model.name: model for model in models}

    async def off(self, model: str, prompts: Sequence[GoldenPrompt]) -> list[float]:
        """How far a model is from what was measured, in nats per token, prompt by prompt."""
        return [abs(await self._mean_logprob(model, one) - one.logprob) for one in prompts]

    async def _mean_logprob(self, model: str, one: GoldenPrompt) -> float:
        prompt = tuple(self._encode(one.prompt, add_special_tokens=False))
        answer = tuple(self._encode(one.answer, add_special_tokens=False))
        question = ChoiceQuestion(prompt, (answer,), answer=0)
        [total] = await option_log_likelihoods(self._endpoint, self._models[model], question)
        return total / len(answer)


async def row(
    form: str, url: str, goldens: Sequence[Measured], base: Path, models: Sequence[EvaluatedModel]
) -> str:
    """One line of the table."""
    own: list[float] = []
    other: list[float] = []
    of_base: list[float] = []
    async with Endpoint(ServerAddress(url), concurrency=1) as endpoint:
        scorer = Scorer(endpoint, base, models)
        for golden in goldens:
            own += await scorer.off(str(golden.version), golden.prompts)
            other.append(max(await scorer.off(golden.other, golden.prompts)))
            of_base.append(max(await scorer.off(NAME, golden.prompts)))
    return (
        f"{form:<5} {len(own):>7} {mean(own):>9.3f} {max(own):>9.3f} "
        f"{min(other):>14.3f} {min(of_base):>5.3f}   other, each: "
        + " ".join(f"{most:.2f}" for most in other)
    )


def quantize(method: str, home: Path) -> None:
    """Makes and registers a form that needs files of its own."""
    command = [sys.executable, "-m", "medley.cli", "quantize", NAME, "--method", method]
    where = ["--registry", str(home / "registry"), "--out", str(home / method)]
    subprocess.run([*command, *where], check=True)


def main() -> None:
    """Prints nats per token: of a version itself, and of the least of the others."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--answers", type=int, default=8)
    parser.add_argument("--forms", default="bf16,nf4,awq")
    given = parser.parse_args()
    forms = given.forms.split(",")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with open_registry(home / "registry", create=True) as registry:
            publish_all(registry, given.base, Stage())
            models = evaluated_models(registry, [NAME, *map(str, VERSIONS)])
        if "awq" in forms:
            quantize("awq", home)
        goldens = [measured(version, given.base, home, given.answers) for version in VERSIONS]
        print("form  answers  own mean  own most  other version  base")
        for form in forms:
            with served(form, home) as server:
                server.wait()
                told = asyncio.run(row(form, server.url, goldens, given.base, models))
            print(told, flush=True)


if __name__ == "__main__":
    main()
