"""Every rule of the allow-list, and what its refusal says."""

import json
import math

import pytest
from medley_registry import AdmissionRefused
from medley_registry.adapter_config import AdapterConfig, parse_adapter_config

LEAST: dict[str, object] = {
    "peft_type": "LORA",
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["q_proj"],
}
Q = "model.layers.0.self_attn.q_proj"


def parse(**more: object) -> AdapterConfig:
    return parse_adapter_config(json.dumps(LEAST | more).encode())


def refused(**more: object) -> AdmissionRefused:
    with pytest.raises(AdmissionRefused) as refusal:
        parse(**more)
    return refusal.value


def test_what_peft_writes_today_is_admitted() -> None:
    written_by_peft_0_21: dict[str, object] = {
        "alora_invocation_tokens": None, "alpha_pattern": {}, "arrow_config": None,
        "auto_mapping": None, "base_model_name_or_path": None, "bias": "none",
        "corda_config": None, "ensure_weight_tying": False, "eva_config": None,
        "exclude_modules": None, "fan_in_fan_out": False, "inference_mode": True,
        "init_lora_weights": True, "kasa_config": None, "layer_replication": None,
        "layers_pattern": None, "layers_to_transform": None, "loftq_config": {},
        "lora_bias": False, "lora_dropout": 0.0, "lora_ga_config": None, "megatron_config": None,
        "megatron_core": "megatron.core", "modules_to_save": None, "monteclora_config": None,
        "peft_version": "0.21.2", "qalora_group_size": 16, "rank_pattern": {}, "revision": None,
        "target_parameters": None, "trainable_token_indices": None, "use_bdlora": None,
        "use_dora": False, "use_qalora": False, "use_rslora": True, "velora_config": None,
    }  # fmt: skip

    config = parse(**written_by_peft_0_21)

    assert (config.rank, config.alpha, config.max_rank) == (8, 16.0, 8)


@pytest.mark.parametrize(
    "notes",
    [
        {"layers_to_transform": [0, 1], "layers_pattern": "layers", "exclude_modules": ["lm_head"]},
        {"base_model_name_or_path": "../../etc", "revision": "main"},
        {"target_modules": "all-linear"},
        {"megatron_core": None},
        {"init_lora_weights": "eva", "eva_config": None},
    ],
)
def test_notes_about_the_training_change_nothing(notes: dict[str, object]) -> None:
    assert parse(**notes) == parse()


@pytest.mark.parametrize(
    ("rule", "value", "config"),
    [
        ("config-value", "peft_type='LOHA'", {"peft_type": "LOHA"}),
        ("config-value", "peft_type=['LORA']", {"peft_type": ["LORA"]}),
        ("config-value", "task_type='SEQ_CLS'", {"task_type": "SEQ_CLS"}),
        ("config-value", "use_dora=True", {"use_dora": True}),
        ("config-value", "use_dora=0", {"use_dora": 0}),
        ("config-value", "bias='all'", {"bias": "all"}),
        ("config-value", "lora_bias=True", {"lora_bias": True}),
        ("config-value", "modules_to_save=['lm_head']", {"modules_to_save": ["lm_head"]}),
        ("config-value", "layer_replication=[[0, 2]]", {"layer_replication": [[0, 2]]}),
        ("config-value", "alora_invocation_tokens=[1]", {"alora_invocation_tokens": [1]}),
        ("config-value", "trainable_token_indices=[1]", {"trainable_token_indices": [1]}),
        ("config-value", "target_parameters=['x']", {"target_parameters": ["x"]}),
        ("config-value", "init_lora_weights='pissa'", {"init_lora_weights": "pissa"}),
        ("config-value", "init_lora_weights='olora'", {"init_lora_weights": "olora"}),
        ("config-value", "init_lora_weights=1", {"init_lora_weights": 1}),
        ("config-value", "use_rslora='yes'", {"use_rslora": "yes"}),
        ("config-value", "use_rslora=1", {"use_rslora": 1}),
        ("config-value", "revision={'a': 1}", {"revision": {"a": 1}}),
        ("config-value", "layers_pattern=[[1]]", {"layers_pattern": [[1]]}),
        ("config-key", "vllm_lora_scaling_factor", {"vllm_lora_scaling_factor": 9.0}),
        ("config-rank", "0", {"r": 0}),
        ("config-rank", "-1", {"r": -1}),
        ("config-rank", "513", {"r": 513}),
        ("config-rank", "True", {"r": True}),
        ("config-rank", "8.0", {"r": 8.0}),
        ("config-rank", "8", {"r": "8"}),
        ("config-rank", "513", {"rank_pattern": {"q_proj": 513}}),
        ("config-rank", "True", {"rank_pattern": {"q_proj": True}}),
        ("config-alpha", "0", {"lora_alpha": 0}),
        ("config-alpha", "1e-300", {"lora_alpha": 1e-300}),
        ("config-alpha", "-1", {"lora_alpha": -1}),
        ("config-alpha", "65537", {"lora_alpha": 65537}),
        ("config-alpha", "True", {"lora_alpha": True}),
        ("config-alpha", "None", {"lora_alpha": None}),
        ("config-alpha", "0", {"alpha_pattern": {"q_proj": 0}}),
        ("config-pattern", "rank_pattern=[]", {"rank_pattern": []}),
        ("config-pattern", "rank_pattern: .*", {"rank_pattern": {".*": 4}}),
        ("config-pattern", "rank_pattern: ^model.x", {"rank_pattern": {"^model.x": 4}}),
        ("config-pattern", "rank_pattern: ", {"rank_pattern": {"": 4}}),
        ("config-pattern", "alpha_pattern: a|b", {"alpha_pattern": {"a|b": 4}}),
        ("config-pattern", "alpha_pattern: (a+)+b", {"alpha_pattern": {"(a+)+b": 4}}),
        ("config-pattern", "alpha_pattern: q.", {"alpha_pattern": {"q.": 4}}),
        ("config-pattern", "alpha_pattern: é", {"alpha_pattern": {"é": 4}}),
        ("config-targets", "[]", {"target_modules": []}),
        ("config-targets", "", {"target_modules": ""}),
        ("config-targets", "[1]", {"target_modules": [1]}),
        ("config-targets", "None", {"target_modules": None}),
    ],
)
def test_a_configuration_that_is_not_served_is_refused(
    rule: str, value: str, config: dict[str, object]
) -> None:
    refusal = refused(**config)

    assert (refusal.rule, refusal.value) == (rule, value)
    assert rule in str(refusal)
    assert value in str(refusal)


@pytest.mark.parametrize(
    ("rule", "config"),
    [
        # huggingface/peft#3085: each of these names a module to import.
        ("config-value", {"auto_mapping": {"base_model_class": "system", "parent_library": "os"}}),
        ("config-value", {"auto_mapping": {"base_model_class": "A", "parent_library": "peft"}}),
        ("config-value", {"auto_mapping": "os"}),
        ("config-value", {"auto_mapping": True}),
        ("config-value", {"megatron_core": "os"}),
        ("config-value", {"megatron_core": "megatron.core.x"}),
        ("config-value", {"megatron_core": ["megatron.core"]}),
        ("config-value", {"megatron_config": {"tensor_model_parallel_size": 1}}),
        ("config-value", {"megatron_config": 1, "megatron_core": "os"}),
        # huggingface/peft#2888, huggingface/transformers#46482: these reach `from_pretrained`.
        ("config-key", {"tokenizer_kwargs": {"trust_remote_code": True}}),
        ("config-key", {"tokenizer_kwargs": {}}),
        ("config-key", {"tokenizer_name_or_path": "somebody/code"}),
        ("config-key", {"trust_remote_code": True}),
        ("config-key", {"trust_remote_code": False}),
        ("config-key", {"auto_map": {"AutoModel": "code.Model"}}),
        ("config-key", {"custom_modules": {}}),
        ("config-key", {"_custom_modules": {}}),
        ("config-key", {"runtime_config": {"ephemeral_gpu_offload": True}}),
        ("config-key", {"_attn_implementation": "somebody/kernel"}),
        ("config-key", {"quantization_config": {}}),
        ("config-key", {"__class__": "x"}),
        ("config-key", {"PEFT_TYPE": "LORA"}),
    ],
)
def test_nothing_in_a_configuration_names_code(rule: str, config: dict[str, object]) -> None:
    assert refused(**config).rule == rule


@pytest.mark.parametrize("key", ["peft_type", "r", "lora_alpha", "target_modules"])
def test_a_key_that_is_missing_is_named(key: str) -> None:
    config = {known: value for known, value in LEAST.items() if known != key}

    with pytest.raises(AdmissionRefused) as refusal:
        parse_adapter_config(json.dumps(config).encode())

    assert (refusal.value.rule, refusal.value.value) == ("config-key", key)


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        ("config-json", b""),
        ("config-json", b"[]"),
        ("config-json", b"\xff"),
        ("config-json", b"\xef\xbb\xbf{}"),
        ("config-json", b'{"r": NaN}'),
        ("config-json", b'{"lora_alpha": 1e999}'),
        ("config-json", b'{"r": -0}'),
        ("config-json", b'{"revision": "\\ud800"}'),
        ("config-json", b"[" * 60_000),
        ("config-json", b'{"a":' * 10_000),
        ("config-json", b'{"r": ' + b"9" * 5000 + b"}"),
        ("config-duplicate", b'{"r": 1, "r": 2}'),
        ("config-duplicate", b'{"r": 1, "\\u0072": 2}'),
        ("config-size", b" " * 70_000),
        ("config-key", b"{}"),
    ],
)
def test_a_configuration_that_is_no_plain_object_is_refused(rule: str, data: bytes) -> None:
    with pytest.raises(AdmissionRefused) as refusal:
        parse_adapter_config(data)

    assert refusal.value.rule == rule


def test_patterns_hold_for_the_modules_whose_names_end_so() -> None:
    config = parse(
        rank_pattern={"self_attn.q_proj": 4, "model.layers.1.mlp.up_proj": 32},
        alpha_pattern={"q_proj": 2.0, "q_proj_2": 3},
    )

    assert config.rank_and_scaling(Q) == (4, 0.5)
    assert config.rank_and_scaling("model.layers.1.mlp.up_proj") == (32, 0.5)
    assert config.rank_and_scaling("model.layers.0.mlp.up_proj") == (8, 2.0)
    assert config.rank_and_scaling("model.other_q_proj") == (8, 2.0)
    assert config.max_rank == 32


def test_rslora_scales_by_the_root_of_the_rank() -> None:
    config = parse(use_rslora=True, rank_pattern={"q_proj": 2})

    assert config.rank_and_scaling(Q) == (2, 16 / math.sqrt(2))
    assert config.rank_and_scaling("x") == (8, 16 / math.sqrt(8))


def test_the_slot_holds_the_rank_even_where_patterns_lower_it() -> None:
    assert parse(rank_pattern={"q_proj": 2}).max_rank == 8


def test_keys_that_agree_about_a_module_are_no_contradiction() -> None:
    config = parse(rank_pattern={"q_proj": 4, "self_attn.q_proj": 4})

    assert config.rank_and_scaling(Q) == (4, 4.0)


def test_keys_that_contradict_each_other_are_refused_for_that_module() -> None:
    """Which of them came first in training, PEFT does not write down."""
    config = parse(alpha_pattern={"q_proj": 4, "self_attn.q_proj": 8})

    with pytest.raises(AdmissionRefused, match=r"config-pattern.*q_proj: \[4\.0, 8\.0\]"):
        config.rank_and_scaling(Q)
    assert config.rank_and_scaling("q_proj") == (8, 0.5)
