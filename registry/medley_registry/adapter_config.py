"""`adapter_config.json`: an allow-list of what PEFT writes and vLLM serves.

A key that changes what the adapter computes, in a way the engine does not follow, must be absent
or off. A key nobody here knows is refused: it could be such a one.
"""

from dataclasses import dataclass

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

CONFIG_LIMIT_BYTES = 64 << 10
# The largest `max_lora_rank` that vLLM accepts (vllm.config.lora.MaxLoRARanks).
MAX_RANK = 512
# Beyond any use, and exact in every float format.
MAX_ALPHA = 65536
_REQUIRED = frozenset({"peft_type", "r", "lora_alpha", "target_modules"})
# Notes about the training and the software; the engine computes the same whatever they say.
_INERT = frozenset(
    {
        "base_model_name_or_path",
        "exclude_modules",
        "inference_mode",
        "layers_pattern",
        "layers_to_transform",
        "lora_dropout",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
    }
)
# PEFT's features that vLLM does not serve; each is off when null, false or empty.
_OFF = frozenset(
    {
        "alora_invocation_tokens",
        "alpha_pattern",
        "arrow_config",
        "auto_mapping",
        "corda_config",
        "ensure_weight_tying",
        "eva_config",
        "fan_in_fan_out",
        "kasa_config",
        "layer_replication",
        "loftq_config",
        "lora_bias",
        "lora_ga_config",
        "megatron_config",
        "modules_to_save",
        "monteclora_config",
        "rank_pattern",
        "target_parameters",
        "trainable_token_indices",
        "use_bdlora",
        "use_dora",
        "use_qalora",
        "velora_config",
    }
)
_CHOICES: dict[str, tuple[object, ...]] = {
    "peft_type": ("LORA",),
    "task_type": (None, "CAUSAL_LM"),
    "bias": ("none",),
    "use_rslora": (False, True),
    # Inits such as PiSSA or OLoRA change the base's weights too; these do not.
    "init_lora_weights": (True, False, "gaussian", "eva", "orthogonal"),
}
_CHECKED = frozenset({"r", "lora_alpha", "target_modules"})
_KNOWN = _INERT | _OFF | _CHOICES.keys() | _CHECKED


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    rank: int
    alpha: float


def parse_adapter_config(data: bytes) -> AdapterConfig:
    """Check an `adapter_config.json` against the allow-list.

    Raises:
        AdmissionRefused: by one of the rules ``config-size``, ``-json``, ``-duplicate``, ``-key``,
            ``-value``, ``-rank``, ``-alpha`` or ``-targets``.
    """
    if len(data) > CONFIG_LIMIT_BYTES:
        raise AdmissionRefused(
            "config-size", f"{len(data)} bytes or more", because=f"at most {CONFIG_LIMIT_BYTES}"
        )
    config = parse_object(data, what="config")
    if missing := _REQUIRED - config.keys():
        raise AdmissionRefused("config-key", min(missing), because="a required key is missing")
    if unknown := config.keys() - _KNOWN:
        raise AdmissionRefused("config-key", min(unknown), because="not a key that can be served")
    for key, value in config.items():
        _check_value(key, value)
    return AdapterConfig(rank=_rank(config["r"]), alpha=_alpha(config["lora_alpha"]))


def _check_value(key: str, value: Json) -> None:
    if key in _OFF and value not in (None, False, "", [], {}):
        raise AdmissionRefused(
            "config-value", f"{key}={value!r}", because="a feature the engine does not serve"
        )
    if key in _CHOICES and value not in _CHOICES[key]:
        raise AdmissionRefused(
            "config-value", f"{key}={value!r}", because=f"one of {_CHOICES[key]}"
        )
    if key == "target_modules" and not _is_targets(value):
        raise AdmissionRefused("config-targets", value, because="a list of names, or a pattern")


def _is_targets(value: Json) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) and item for item in value)
    return isinstance(value, str) and bool(value)


def _rank(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_RANK:
        return value
    raise AdmissionRefused("config-rank", value, because=f"r is 1 to {MAX_RANK}")


def _alpha(value: Json) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_ALPHA:
        return float(value)
    raise AdmissionRefused("config-alpha", value, because=f"lora_alpha is above 0, to {MAX_ALPHA}")
