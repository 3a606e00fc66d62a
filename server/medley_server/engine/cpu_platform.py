"""The CPU platform that vLLM runs on inside Medley."""

from vllm.platforms.cpu import CpuPlatform


class MedleyCpuPlatform(CpuPlatform):  # type: ignore[misc]  # vllm is Any to mypy
    """vLLM's CPU platform with right and fast LoRA (`medley_server.engine.cpu_lora`)."""

    @classmethod
    def get_punica_wrapper(cls) -> str:
        """The class every LoRA layer calls."""
        return "medley_server.engine.cpu_lora.MedleyPunicaCPU"
