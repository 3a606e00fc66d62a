"""Each quantized form of the small real base, with adapters that were trained on the base."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import httpx
import pytest
from medley.server_process import ServerProcess
from medley_registry import Registry, open_registry
from medley_server.demo.performance import publish_all
from medley_server.demo.showcase import PLAIN_WORDS, TRIAGE_NOTE
from medley_server.demo.small_base import NAME
from medley_server.demo.stage import Stage

from tests.e2e.conftest import quantize

pytestmark = pytest.mark.e2e

KERNELS = {"nf4": "BitsAndBytesLinearMethod", "awq": "CPUWNA16LinearKernel"}
MODELS = (NAME, f"{TRIAGE_NOTE.name}:2", f"{PLAIN_WORDS.name}:2")
NOISE = 0.3
"""How much a token's log-probability moves, in the mean, for who else is in the batch."""


@dataclass(frozen=True, slots=True)
class Served:
    """One running server."""

    variant: str
    url: str
    registry: Path

    def chat(self, model: str, question: str, *, max_tokens: int = 1) -> dict[str, str]:
        """The model that answered, and its text."""
        body = {
            "model": model,
            "messages": [{"role": "user", "content": question}],
            "temperature": 0,
            "max_tokens": max_tokens,
        }
        answer = self._post("/v1/chat/completions", body)
        return {"model": answer["model"], "text": answer["choices"][0]["message"]["content"]}

    def log_probabilities(self, model: str) -> list[float]:
        """How likely the model finds each token of a note that it is shown."""
        body = {"model": model, "prompt": NOTE, "max_tokens": 1, "prompt_logprobs": 0}
        rows = self._post("/v1/completions", body)["choices"][0]["prompt_logprobs"]
        return [next(iter(row.values()))["logprob"] for row in rows if row]

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", timeout=60).json()

    def _post(self, path: str, body: dict[str, object]) -> Any:
        answer = httpx.post(f"{self.url}{path}", json=body, timeout=300)
        answer.raise_for_status()
        return answer.json()


NOTE = (
    "Situation: 67-year-old with crushing chest pain for an hour. Background: high blood pressure. "
    "Assessment: cause not established. Recommendation: emergency assessment now."
)


@pytest.fixture(scope="module", params=["nf4", "awq"])
def served(
    request: pytest.FixtureRequest, small_base: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The base in one form: NF4 made while it loads, AWQ from files made once per checkout."""
    variant: str = request.param
    home = tmp_path_factory.mktemp(variant)
    with open_registry(home / "registry", create=True) as registry:
        publish_all(registry, small_base, Stage())
    if variant == "awq":
        quantize(NAME, variant, registry=home / "registry")
    process = ServerProcess(
        NAME,
        home / "registry",
        log=home / "server.log",
        home=home,
        options=("--variant", variant),
        engine_flags=("--max-model-len", "1024", "--kv-cache-memory-bytes", str(1 << 28)),
    )
    with process:
        process.wait()
        yield Served(variant, process.url, home / "registry")


@pytest.fixture
def registry(served: Served) -> Iterator[Registry]:
    with open_registry(served.registry) as registry:
        yield registry


def test_the_base_and_two_adapters_answer_at_once_each_in_its_own_way(served: Served) -> None:
    questions = ("What is anaemia?", TRIAGE_NOTE.question, PLAIN_WORDS.question)

    with ThreadPoolExecutor(len(MODELS)) as callers:
        base, triage, plain = callers.map(
            lambda model, question: served.chat(model, question, max_tokens=120), MODELS, questions
        )

    assert [base["model"], triage["model"], plain["model"]] == list(MODELS)
    # The notes keep their form on each; the other adapter's opening words NF4 already changes.
    assert "Situation:" in triage["text"]
    assert not any("Situation:" in other["text"] for other in (base, plain))
    assert base["text"] != plain["text"]


def test_a_request_gets_its_own_models_numbers_whoever_else_is_in_the_batch(
    served: Served,
) -> None:
    alone = {model: served.log_probabilities(model) for model in MODELS}
    mixed = MODELS * 3
    with ThreadPoolExecutor(len(mixed)) as callers:
        together = list(callers.map(served.log_probabilities, mixed))

    def apart(a: list[float], b: list[float]) -> float:
        return mean(abs(x - y) for x, y in zip(a, b, strict=True))

    off = [apart(alone[model], found) for model, found in zip(mixed, together, strict=True)]
    adapters_off = [apart(alone[NAME], alone[model]) for model in MODELS[1:]]
    print(f"{served.variant}: noise {max(off):.3f}, adapters {adapters_off}")
    assert max(off) < NOISE
    assert min(adapters_off) > 3 * NOISE


def test_a_promoted_version_answers_next_and_after_a_rollback_the_one_before(
    served: Served, registry: Registry
) -> None:
    name = TRIAGE_NOTE.name

    def is_answered_by(number: int) -> bool:
        asked = (served.chat(name, "Hi")["model"] for _ in range(100))
        return f"{name}:{number}" in asked

    assert is_answered_by(1)
    registry.promote(name, 2, actor="test")
    assert is_answered_by(2)
    registry.rollback(name, actor="test")
    assert is_answered_by(1)


def test_the_weights_take_less_memory_than_the_files_of_the_base_and_the_parts_add_up(
    served: Served, small_base: Path
) -> None:
    served.get("/benchmark?reset=true")
    served.chat(NAME, PLAIN_WORDS.question, max_tokens=8)
    told = served.get("/benchmark")

    parts = told["memory_bytes"]
    assert parts["total"] == sum(parts.values()) - parts["total"]
    assert min(parts.values()) > 0
    assert parts["weights"] < (small_base / "model.safetensors").stat().st_size
    assert 0.9 * (1 << 28) < parts["kv_cache"] <= 1 << 28
    print(f"{served.variant}: { ({name: size >> 20 for name, size in parts.items()}) } MiB")


def test_the_server_tells_which_form_it_runs_and_how(served: Served, registry: Registry) -> None:
    told, health = served.get("/benchmark"), served.get("/health")
    forms = {base.name: str(base.base_id) for base in registry.bases()}

    assert (told["base"], told["variant"]) == (NAME, served.variant)
    assert told["kernel"] == KERNELS[served.variant]
    assert told["environment"]["VLLM_CPU_INT4_W4A8"] == "0"
    assert health["variant"] == served.variant
    assert health["base"] == {"name": NAME, "digest": forms[NAME]}
    own = NAME if served.variant == "nf4" else f"{NAME}-awq"
    assert health["served_base"] == {"name": own, "digest": forms[own]}
