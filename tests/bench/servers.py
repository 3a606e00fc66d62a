"""`vllm serve` and `medley serve` as processes, on the same base, with the same flags."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from medley.server_process import free_port
from medley_registry import BaseModel
from medley_server.demo.showcase import TRIAGE_NOTE

FLAGS = [
    *("--max-model-len", "2048", "--kv-cache-memory-bytes", str(2 * 1024**3)),
    "--disable-uvicorn-access-log",
]
LORA_FLAGS = [
    *("--enable-lora", "--max-loras", "4", "--max-cpu-loras", "17", "--max-lora-rank", "8"),
    *("--lora-target-modules", "q_proj", "v_proj"),
    *("--lora-modules", f"{TRIAGE_NOTE.name}={TRIAGE_NOTE.folder(1)}"),
]
"""What `medley serve` gives vLLM for the demo's registry."""

THREADS = {"VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, sorted(os.sched_getaffinity(0))))}

PLAIN = "vllm serve"
PLAIN_WITH_OUR_LORA = "vllm serve, our LoRA"
MEDLEY = "medley serve"


class Server:
    """One server process; a context manager that stops it."""

    def __init__(self, kind: str, base: BaseModel, log: Path) -> None:
        """Starts it; `kind` is one of the names above."""
        self.kind = kind
        self._log = log
        self.started = time.monotonic()
        port = free_port(0)
        self.url = f"http://127.0.0.1:{port}"
        address = ["--host", "127.0.0.1", "--port", str(port)]
        environment = os.environ | THREADS | {"HF_HUB_OFFLINE": "1"}
        if kind == MEDLEY:
            command = ["medley.cli", "serve", "--base", base.name, *address, "--", *FLAGS]
        else:
            # What `vllm serve` runs; that command itself fails in vllm-cpu 0.32.0, because it
            # asks for the metadata of a package named vllm.
            named = ["--model", str(base.path), "--served-model-name", base.name]
            command = [
                "vllm.entrypoints.launchers.api_server.entry",
                *named,
                *address,
                *FLAGS,
                *LORA_FLAGS,
            ]
        if kind == PLAIN:
            environment["VLLM_PLUGINS"] = ""  # names no plugin, so ours is not loaded
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=environment,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> float:
        """Waits until it answers; seconds since it was started."""
        while self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return time.monotonic() - self.started
            except httpx.TransportError:
                time.sleep(0.1)
        end = self._log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.kind} ended with {self._process.returncode}:\n{end}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
