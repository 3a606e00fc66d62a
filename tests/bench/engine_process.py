"""One vLLM engine in a process of its own, driven over its standard input and output.

Several of them stay up side by side, so that a benchmark can interleave its measurements and a test
can put the same requests to two wrappers. Each line in is one JSON command, each line out one JSON
answer.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

Wrapper = Literal["none", "stock", "medley"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What to start: `wrapper` "none" is the engine without LoRA; no `lora_modules` means all."""

    model: str
    wrapper: Wrapper
    dtype: str = "bfloat16"
    max_loras: int = 4
    max_lora_rank: int = 8
    lora_modules: tuple[str, ...] = ()
    max_model_len: int = 1024
    max_batched_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: token ids in, and the folder of the adapter to answer with (None: the base)."""

    prompt: tuple[int, ...]
    max_tokens: int
    adapter: str | None = None


class EngineProcess:
    """Starts the engine and waits until it can answer; a context manager."""

    def __init__(self, spec: EngineSpec, *, threads: int = 2) -> None:
        environment = os.environ | {
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
            "VLLM_LOGGING_LEVEL": "ERROR",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "OMP_NUM_THREADS": str(threads),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        if spec.wrapper == "stock":
            environment["VLLM_PLUGINS"] = ""  # an allow-list that names nothing hides our platform
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.engine_process", json.dumps(asdict(spec))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.wrapper_class = self._answer()["wrapper_class"]

    def generate(self, asks: Sequence[Ask]) -> tuple[list[list[int]], float]:
        """Answers all requests in one batch; the tokens of each, and the seconds it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([asdict(ask) for ask in asks]) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return answer["tokens"], answer["seconds"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"the engine ended with exit code {self._process.wait()}")


def _make_engine(spec: EngineSpec) -> Any:
    from vllm import LLM

    lora: dict[str, Any] = {}
    if spec.wrapper != "none":
        lora = {
            "enable_lora": True,
            "max_loras": spec.max_loras,
            "max_lora_rank": spec.max_lora_rank,
            "lora_target_modules": list(spec.lora_modules) or None,
        }
    return LLM(
        spec.model,
        dtype=spec.dtype,
        max_model_len=spec.max_model_len,
        max_num_batched_tokens=spec.max_batched_tokens,
        max_num_seqs=32,
        enable_prefix_caching=False,
        enforce_eager=True,
        skip_tokenizer_init=True,
        seed=0,
        **lora,
    )


def _answer(llm: Any, asks: Sequence[Ask], numbers: dict[str, int]) -> dict[str, Any]:
    from vllm import SamplingParams
    from vllm.lora.request import LoRARequest

    for ask in asks:
        if ask.adapter is not None:
            numbers.setdefault(ask.adapter, len(numbers) + 1)
    loras = [
        ask.adapter and LoRARequest(ask.adapter, numbers[ask.adapter], ask.adapter) for ask in asks
    ]
    params = [
        SamplingParams(temperature=0, max_tokens=ask.max_tokens, ignore_eos=True, detokenize=False)
        for ask in asks
    ]
    prompts = [{"prompt_token_ids": list(ask.prompt)} for ask in asks]
    start = time.perf_counter()
    outputs = llm.generate(
        prompts, params, lora_request=loras if any(loras) else None, use_tqdm=False
    )
    seconds = time.perf_counter() - start
    return {"tokens": [list(out.outputs[0].token_ids) for out in outputs], "seconds": seconds}


def _serve(spec: EngineSpec) -> None:
    llm = _make_engine(spec)
    from vllm.platforms import current_platform

    print(json.dumps({"wrapper_class": current_platform.get_punica_wrapper()}), flush=True)
    numbers: dict[str, int] = {}
    for line in sys.stdin:
        asks = [Ask(**ask) for ask in json.loads(line)]
        print(json.dumps(_answer(llm, asks, numbers)), flush=True)


if __name__ == "__main__":
    _serve(EngineSpec(**json.loads(sys.argv[1])))
