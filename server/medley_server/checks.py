"""What must hold of a version before the engine sees it; vLLM itself checks little of this.

The registry has checked the files against the base at publishing. What is checked here depends on
how *this* engine was started, or was not worth a reader of tensors in the registry.
"""

from pathlib import Path

from medley_registry import Version

from medley_server.engine.port import EngineFacts
from medley_server.errors import AdapterUnavailable
from medley_server.served_base import ServedBase


def check_fits(version: Version, base: ServedBase, facts: EngineFacts) -> None:
    """Refuses a version that this engine would answer wrongly or not at all.

    vLLM takes an adapter whose modules have no slots and serves the base's answers (vllm#55193).

    Raises:
        AdapterUnavailable: another base, too high a rank, or a module without slots.
    """
    if version.base_id not in base.base_ids:
        raise AdapterUnavailable(
            f"{version.reference} is for base {version.base}, and this server runs {base.name}"
        )
    if version.rank > facts.max_lora_rank:
        raise AdapterUnavailable(
            f"{version.reference} has rank {version.rank}, and the slots of this server hold "
            f"{facts.max_lora_rank}; restart it, and it sizes them by the registry"
        )
    if facts.lora_modules is None:
        return
    if missing := sorted(set(version.target_modules) - set(facts.lora_modules)):
        raise AdapterUnavailable(
            f"{version.reference} changes {', '.join(missing)}, for which this server has no "
            "slots; restart it, and it makes them by the registry"
        )


def check_finite(version: Version, folder: Path) -> None:
    """Refuses weights that hold NaN or infinity; they would reach other requests of a batch.

    Raises:
        AdapterUnavailable: names the first such tensor, or the file that cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / "adapter_model.safetensors")
    except (OSError, SafetensorError) as error:
        raise AdapterUnavailable(
            f"the files of {version.reference} in {folder} are damaged ({error}); remove that "
            "folder, and they are fetched again"
        ) from error
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise AdapterUnavailable(f"{version.reference} holds NaN or infinity in {name}")
