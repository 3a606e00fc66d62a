"""What must hold of a version before the engine sees it; vLLM itself checks little of this.

The registry has checked the files against the base at publishing. What is checked here depends on
how *this* engine was started, or was not worth a reader of tensors in the registry.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from medley_registry import BaseModel, Version
from medley_registry.admission import check_fit
from medley_registry.errors import AdmissionRefused

from medley_server.engine.port import EngineFacts
from medley_server.errors import AdapterUnavailable
from medley_server.served_base import ServedBase

_A, _B = ".lora_A.weight", ".lora_B.weight"


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


def check_shapes(version: Version, folder: Path, base: ServedBase) -> None:
    """Refuses what does not fit the base's module table, although a registry took it in.

    VLLM copies a smaller matrix into a part of the slot and leaves out what it finds no module for.

    Raises:
        AdapterUnavailable: names the module or the tensor.
    """
    fitting = base.origin if version.base_id == base.origin.base_id else base.model
    try:
        check_fit(folder, module_shapes=fitting.module_shapes)
    except AdmissionRefused as error:
        raise AdapterUnavailable(
            f"{version.reference} does not fit {base.name}: {error}"
        ) from error
    except OSError as error:
        raise _damaged(version, folder, error) from error


def check_weights(version: Version, folder: Path, facts: EngineFacts) -> frozenset[str]:
    """Refuses weights that would reach other requests of a batch, or that vLLM would leave out.

    Returns:
        The modules that the weights change, as the files name them: not those whose product of
        matrices is zero, as it is where nothing has been learnt.

    Raises:
        AdapterUnavailable: names the first tensor that holds NaN or infinity, or that changes what
            sees in an engine whose slots are for what speaks, or the file that cannot be read.
    """
    tensors = _tensors(version, folder)
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise AdapterUnavailable(f"{version.reference} holds NaN or infinity in {name}")
    # Both parts have modules of one name, such as gate_proj: vLLM drops those it has no slots for,
    # and answers without them.
    seeing = [name for name in tensors if ".language_model." not in name and "lm_head" not in name]
    if facts.is_lora_blind and seeing:
        raise AdapterUnavailable(
            f"{version.reference} changes {seeing[0]}, in the part of {version.base} that sees, "
            "for which this server has no slots; restart it with: -- --enable-tower-connector-lora"
        )
    filled = {name for name, tensor in tensors.items() if tensor.any()}
    return frozenset(
        name.removesuffix(_A)
        for name in filled
        if name.endswith(_A) and name[: -len(_A)] + _B in filled
    )


def changes_speech(modules: Collection[str], base: BaseModel) -> bool:
    """Whether one of these modules takes part wherever the base writes, pictures or none."""
    sees = any("language_model." in name for name in base.module_shapes)
    return any(not sees or "language_model." in name or "lm_head" in name for name in modules)


def _tensors(version: Version, folder: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Any] = load_file(folder / "adapter_model.safetensors")
    except (OSError, SafetensorError) as error:
        raise _damaged(version, folder, error) from error
    return tensors


def _damaged(version: Version, folder: Path, error: Exception) -> AdapterUnavailable:
    return AdapterUnavailable(
        f"the files of {version.reference} in {folder} are damaged ({error}); remove that "
        "folder, and they are fetched again"
    )
