"""vLLM as the server's engine."""

from pathlib import Path
from typing import Any

from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.entrypoints.serve.lora.protocol import LoadLoRAAdapterRequest, UnloadLoRAAdapterRequest
from vllm.platforms import current_platform
from vllm.version import __version__ as vllm_version

from medley_server.engine.port import EngineFacts
from medley_server.errors import AdapterUnavailable


class VllmEngine:
    """Loads and frees adapters through the objects behind vLLM's own HTTP app.

    `load_inplace` is never used: a name stands for one content for as long as the process lives, so
    neither the prefix cache nor the encoder cache, which are keyed by name, can hold stale values.
    """

    def __init__(self, client: Any, models: Any) -> None:
        """Takes vLLM's `EngineClient` and `OpenAIServingModels` of the same app."""
        self._client = client
        self._models = models
        self._facts = _read_facts(client.vllm_config)

    @property
    def facts(self) -> EngineFacts:
        """What was built."""
        return self._facts

    @property
    def is_healthy(self) -> bool:
        """False once the engine core has died."""
        return not self._client.errored

    async def load(self, name: str, folder: Path) -> None:
        """See `Engine.load`."""
        answer = await self._models.load_lora_adapter(
            LoadLoRAAdapterRequest(lora_name=name, lora_path=str(folder))
        )
        if isinstance(answer, ErrorResponse):
            raise AdapterUnavailable(f"the engine refused {name}: {answer.error.message}")

    async def unload(self, name: str) -> None:
        """See `Engine.unload`.

        vLLM's own unload only forgets the name and keeps the slot (vllm#54839), so the engine is
        told too.
        """
        number = self._models.lora_requests[name].lora_int_id
        answer = await self._models.unload_lora_adapter(UnloadLoRAAdapterRequest(lora_name=name))
        if isinstance(answer, ErrorResponse):
            raise AdapterUnavailable(f"the engine keeps {name}: {answer.error.message}")
        await self._client.remove_lora(number)


def _read_facts(config: Any) -> EngineFacts:
    lora = config.lora_config
    modules = lora.target_modules
    return EngineFacts(
        engine=f"vllm {vllm_version}",
        device=str(current_platform.device_type),
        dtype=str(config.model_config.dtype).removeprefix("torch."),
        max_loras=lora.max_loras,
        max_lora_rank=lora.max_lora_rank,
        lora_modules=tuple(modules) if modules else None,
        kv_cache_bytes=config.cache_config.kv_cache_memory_bytes,
    )
