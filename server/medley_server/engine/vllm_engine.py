"""vLLM as the server's engine."""

import asyncio
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.lora.protocol import LoadLoRAAdapterRequest, UnloadLoRAAdapterRequest
from vllm.exceptions import VLLMClientError, VLLMServerError
from vllm.inputs import tokens_input
from vllm.platforms import current_platform
from vllm.sampling_params import SamplingParams
from vllm.version import __version__ as vllm_version

from medley_server.engine.port import EngineFacts, EngineMemory
from medley_server.errors import AdapterUnavailable

TELLING = (
    "VLLM_CPU_INT4_W4A8",
    "VLLM_CPU_KVCACHE_SPACE",
    "VLLM_CPU_OMP_THREADS_BIND",
    "VLLM_PLUGINS",
)
"""Variables that change what vLLM computes or how fast; no others are told, some are secrets."""

READING_S = 0.01
"""How often a worker is asked whether it has read an adapter's files."""

SETTLING_S = 0.008
"""What a step waits for the packing of an adapter at first, a fraction of its own length."""

_LAST = 1_000_000
"""The priority of a probe, where vLLM schedules by priority: after every request."""


class VllmEngine:
    """Loads and frees adapters through the objects behind vLLM's own HTTP app.

    `load_inplace` is never used: a name stands for one content for as long as the process lives, so
    neither the prefix cache nor the encoder cache, which are keyed by name, can hold stale values.
    """

    def __init__(self, client: Any, models: Any, facts: EngineFacts) -> None:
        """See `of`."""
        self._client = client
        self._models = models
        self._facts = facts
        self._loading = asyncio.Lock()
        self._going: dict[str, int] = {}

    @classmethod
    async def of(cls, client: Any, models: Any, *, load_s: float) -> "VllmEngine":
        """Takes vLLM's `EngineClient` and `OpenAIServingModels` of the same app.

        What the start took at most is forgotten: from here on the peak is that of requests.
        """
        facts = replace(_read_facts(client.vllm_config), load_s=round(load_s, 3))
        kernels = await client.collective_rpc("medley_kernel")
        await client.collective_rpc("medley_stage")
        engine = cls(client, models, replace(facts, kernel=kernels[0]))
        await engine.memory(reset_peak=True)
        return engine

    @property
    def facts(self) -> EngineFacts:
        """What was built."""
        return self._facts

    @property
    def is_healthy(self) -> bool:
        """False once the engine core has died."""
        return not self._client.errored

    async def load(self, name: str, folder: Path) -> None:
        """See `Engine.load`.

        VLLM registers an adapter before it copies it into a slot, and keeps it if that fails; so
        it is told to let go. One load at a time, so that the newest number is that of this one.
        All but the copy into the slot goes on beside the steps of requests (`adapter_staging`).
        """
        async with self._loading:
            await self._client.collective_rpc("medley_read", args=(str(folder),))
            while not all(await self._client.collective_rpc("medley_is_read")):
                await asyncio.sleep(READING_S)
            before = self._models.lora_id_counter.value
            answer = await self._models.load_lora_adapter(
                LoadLoRAAdapterRequest(lora_name=name, lora_path=str(folder))
            )
            if isinstance(answer, ErrorResponse):
                if (number := self._models.lora_id_counter.value) != before:
                    await self._client.remove_lora(number)
                raise AdapterUnavailable(f"the engine refused {name}: {answer.error.message}")
            try:
                await self._settle()
            except BaseException:
                await self.unload(name)
                raise

    async def _settle(self) -> None:
        budget_s = SETTLING_S
        while any(await self._client.collective_rpc("medley_settle", args=(budget_s,))):
            budget_s *= 2  # soon done, however much there is and however busy the machine

    async def unload(self, name: str) -> None:
        """See `Engine.unload`.

        vLLM's own unload only forgets the name and keeps the slot (vllm#54839), so the engine is
        told too, and asked.
        """
        if name in self._models.lora_requests:
            self._going[name] = self._models.lora_requests[name].lora_int_id
            request = UnloadLoRAAdapterRequest(lora_name=name)
            answer = await self._models.unload_lora_adapter(request)
            if isinstance(answer, ErrorResponse):
                raise AdapterUnavailable(f"the engine keeps {name}: {answer.error.message}")
        number = self._going[name]
        await self._client.remove_lora(number)
        if number in await self._client.list_loras():
            raise AdapterUnavailable(f"the engine still lists {name} after it was removed")
        del self._going[name]

    async def score(self, name: str | None, prompt: str, answer: str) -> Sequence[float]:
        """See `Engine.score`."""
        request_id = f"probe-{uuid.uuid4().hex}"
        try:
            encode = self._client.get_tokenizer().encode
            before = encode(prompt, add_special_tokens=False)
            tokens = before + encode(answer, add_special_tokens=False)
            outputs = self._client.generate(
                # Salted, so that no request is ever answered from what a probe computed.
                tokens_input(tokens, cache_salt=request_id),
                SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0),
                request_id,
                lora_request=self._models.lora_requests[name] if name is not None else None,
                priority=_LAST,
            )
            scored = [output.prompt_logprobs async for output in outputs][-1]
        except (VLLMClientError, VLLMServerError, ValueError) as error:
            raise AdapterUnavailable(f"the engine cannot score it: {error}") from error
        return [
            row[token].logprob
            for row, token in zip(scored[len(before) :], tokens[len(before) :], strict=True)
        ]

    async def memory(self, *, reset_peak: bool = False) -> EngineMemory:
        """See `Engine.memory`: the workers' answers, added up.

        On a CPU the engine's other processes count in the total too; on a GPU it is the device's
        memory alone.
        """
        workers = await self._client.collective_rpc("medley_memory", args=(reset_peak,))
        total = sum(worker["total"] for worker in workers)
        if current_platform.is_cpu():
            total += _other_bytes({worker["pid"] for worker in workers})
        activation = [worker["activation"] for worker in workers]
        return EngineMemory.of_total(
            weights=sum(worker["weights"] for worker in workers),
            kv_cache=sum(worker["kv_cache"] for worker in workers),
            lora_slots=sum(worker["lora_slots"] for worker in workers),
            activation=None if None in activation else sum(activation),
            total=total,
        )


def _other_bytes(workers: set[int]) -> int:
    """Memory of the engine's processes, which are this one's children, but these."""
    others = 0
    for child in psutil.Process().children(recursive=True):
        if child.pid not in workers:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                others += child.memory_full_info().pss
    return others


def _is_lora_blind(config: Any) -> bool:
    lora = config.lora_config
    sees = config.model_config.is_multimodal_model
    return bool(lora and sees and not lora.enable_tower_connector_lora)


def _read_facts(config: Any) -> EngineFacts:
    lora, kv_cache = config.lora_config, config.cache_config
    modules = lora.target_modules if lora else None
    blocks = kv_cache.num_gpu_blocks
    return EngineFacts(
        engine=f"vllm {vllm_version}",
        device=str(current_platform.device_type),
        dtype=str(config.model_config.dtype).removeprefix("torch."),
        max_loras=lora.max_loras if lora else 0,
        max_num_seqs=config.scheduler_config.max_num_seqs
        * config.parallel_config.data_parallel_size,
        max_lora_rank=lora.max_lora_rank if lora else 0,
        lora_modules=tuple(modules) if modules else None,
        kv_cache_bytes=kv_cache.kv_cache_memory_bytes,
        max_held=lora.max_cpu_loras if lora else None,
        is_lora_blind=_is_lora_blind(config),
        quantization=config.model_config.quantization,
        kv_cache_tokens=blocks * kv_cache.block_size if blocks else None,
        environment={name: os.environ[name] for name in TELLING if name in os.environ},
    )
