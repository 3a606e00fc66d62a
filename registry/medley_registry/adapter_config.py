"""`adapter_config.json`: an allow-list of what PEFT writes and vLLM serves.

A key that changes what the adapter computes, in a way the engine does not follow, must be absent
or off. A key nobody here knows is refused: it could be such a one, or name code to run. The lists
were made from `peft.LoraConfig` 0.21.2 and `vllm.lora.peft_helper.PEFTHelper` 0.32.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

CONFIG_LIMIT_BYTES = 64 << 10
# The largest slot vLLM can be given (`vllm.config.lora.MaxLoRARanks`). The smaller numbers of that
# list are sizes of slots, not of adapters: any rank up to the slot's is copied into its first rows,
# and the rest stay zero (`BaseLinearLayerWithLoRA.set_lora`).
MAX_RANK = 512
# Beyond any use. An alpha below the least would make an adapter that does nothing.
MIN_ALPHA, MAX_ALPHA = 2**-16, 2**16
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
        "peft_version",
        "qalora_group_size",
        "revision",
    }
)
# PEFT's features that vLLM does not serve; each is off when null, false or empty.
_OFF = frozenset(
    {
        "alora_invocation_tokens",
        "arrow_config",
        "corda_config",
        "ensure_weight_tying",
        "eva_config",
        "fan_in_fan_out",
        "kasa_config",
        "layer_replication",
        "loftq_config",
        "lora_bias",
        "lora_ga_config",
        "modules_to_save",
        "monteclora_config",
        "target_parameters",
        "trainable_token_indices",
        "use_bdlora",
        "use_dora",
        "use_qalora",
        "velora_config",
    }
)
# Modules that PEFT imports by these names (`AutoPeftModel`, `dispatch_megatron`; huggingface/
# peft#3085): also off. `megatron_core` is written into every configuration, and is imported only
# if `megatron_config` is on; so its default may stand, and nothing else.
_IMPORTS = frozenset({"auto_mapping", "megatron_config"})
_CHOICES: dict[str, tuple[Json, ...]] = {
    "peft_type": ("LORA",),
    "task_type": (None, "CAUSAL_LM"),
    "bias": ("none",),
    "megatron_core": (None, "megatron.core"),
    "use_rslora": (False, True),
    # Inits such as PiSSA or OLoRA change the base's weights too; these do not.
    "init_lora_weights": (True, False, "gaussian", "eva", "orthogonal"),
}
# The engine resolves patterns as PEFT does, by the first key that matches the end of a module's
# name (`PEFTHelper.get_rank_and_scaling`, `peft.utils.other.get_pattern_key`), but one with
# `regex`, the other with `re`. In keys of these letters both see the same; others are refused.
# (To both, a dot in a key is any character. No model has modules that differ in that alone.)
_PATTERN_KEY = re.compile(r"\w+(?:\.\w+)*", re.ASCII)
_PATTERNS = frozenset({"alpha_pattern", "rank_pattern"})
_CHECKED = frozenset({"r", "lora_alpha", "target_modules"})
_KNOWN = _INERT | _OFF | _IMPORTS | _CHOICES.keys() | _PATTERNS | _CHECKED


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterConfig:
    """What an adapter's configuration says about its numbers.

    The patterns hold what differs from ``rank`` and ``alpha`` in the modules whose names end so.
    """

    rank: int
    alpha: float
    uses_rslora: bool
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]

    @property
    def max_rank(self) -> int:
        """The size of the slot that the engine asks for (`PEFTHelper.validate_legal`)."""
        return max(self.rank, *self.rank_pattern.values(), 1)

    def rank_and_scaling(self, module: str) -> tuple[int, float]:
        """A module's rank, and what its B·A is multiplied by: alpha / r, or alpha / √r for rsLoRA.

        rsLoRA: arXiv 2312.03732.

        Raises:
            AdmissionRefused: by rule ``config-pattern``, where keys of a pattern contradict.
        """
        rank = int(_fitting(self.rank_pattern, module, default=self.rank))
        alpha = _fitting(self.alpha_pattern, module, default=self.alpha)
        return rank, alpha / sqrt(rank) if self.uses_rslora else alpha / rank


def parse_adapter_config(data: bytes) -> AdapterConfig:
    """Check an `adapter_config.json` against the allow-list.

    Raises:
        AdmissionRefused: by one of the rules ``config-size``, ``-json``, ``-duplicate``, ``-key``,
            ``-value``, ``-rank``, ``-alpha``, ``-pattern`` or ``-targets``.
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
    ranks = _pattern(config, "rank_pattern")
    alphas = _pattern(config, "alpha_pattern")
    return AdapterConfig(
        rank=_rank(config["r"]),
        alpha=_alpha(config["lora_alpha"]),
        uses_rslora=config.get("use_rslora") is True,
        rank_pattern={key: _rank(value) for key, value in ranks.items()},
        alpha_pattern={key: _alpha(value) for key, value in alphas.items()},
    )


def _check_value(key: str, value: Json) -> None:
    if key in _INERT and not _is_note(value):
        raise AdmissionRefused("config-value", f"{key}={value!r}", because="a note is plain values")
    if key in _OFF and not _is_off(value):
        raise AdmissionRefused(
            "config-value", f"{key}={value!r}", because="a feature the engine does not serve"
        )
    if key in _IMPORTS and not _is_off(value):
        raise AdmissionRefused(
            "config-value", f"{key}={value!r}", because="it can name code for PEFT to import"
        )
    if key in _CHOICES and not _is_among(value, _CHOICES[key]):
        raise AdmissionRefused(
            "config-value", f"{key}={value!r}", because=f"one of {_CHOICES[key]}"
        )
    if key == "target_modules" and not _is_targets(value):
        raise AdmissionRefused("config-targets", value, because="a list of names, or a pattern")


def _is_among(value: Json, choices: tuple[Json, ...]) -> bool:
    """Whether it is one of these, where 1 is not true and 0 is not false."""
    return any(value == choice and type(value) is type(choice) for choice in choices)


def _is_off(value: Json) -> bool:
    return value is None or value is False or value in ("", [], {})


def _is_note(value: Json) -> bool:
    plain = (str, int, float, type(None))
    return isinstance(value, plain) or (
        isinstance(value, list) and all(isinstance(item, plain) for item in value)
    )


def _is_targets(value: Json) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) and item for item in value)
    return isinstance(value, str) and bool(value)


def _rank(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_RANK:
        return value
    raise AdmissionRefused("config-rank", value, because=f"a rank is 1 to {MAX_RANK}")


def _alpha(value: Json) -> float:
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and MIN_ALPHA <= value <= MAX_ALPHA
    ):
        return float(value)
    raise AdmissionRefused("config-alpha", value, because=f"an alpha is {MIN_ALPHA} to {MAX_ALPHA}")


def _pattern(config: Mapping[str, Json], name: str) -> dict[str, Json]:
    value = config.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise AdmissionRefused("config-pattern", f"{name}={value!r}", because="values by module")
    for key in value:
        if not _PATTERN_KEY.fullmatch(key):
            raise AdmissionRefused(
                "config-pattern", f"{name}: {key}", because="keys are ends of module names"
            )
    return value


def _fitting(pattern: Mapping[str, float], module: str, *, default: float) -> float:
    """The value for the module's name, or for an end of it after a dot.

    Of several keys the first counts, to PEFT and to the engine. But PEFT sorts the keys as it
    saves them (`PeftConfigMixin.save_pretrained`), so which was first in training is not known.
    """
    parts = module.split(".")
    ends = (".".join(parts[at:]) for at in range(len(parts)))
    values = {pattern[end] for end in ends if end in pattern} or {default}
    if len(values) > 1:
        raise AdmissionRefused(
            "config-pattern", f"{module}: {sorted(values)}", because="several keys fit one module"
        )
    return values.pop()
