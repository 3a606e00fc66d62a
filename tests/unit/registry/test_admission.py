"""Every rule that keeps an adapter out, and what its refusal says."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import AdmissionRefused
from medley_registry.admission import AdmittedAdapter, admit, open_submitted, submitted_files

from tests.builders import HIDDEN, MODULES, OUT, RANK, adapter_tensors, make_adapter

Q = "base_model.model.model.layers.0.self_attn.q_proj"


def check(folder: Path) -> AdmittedAdapter:
    submitted_files(folder)
    return admit(lambda name: open_submitted(folder, name), module_shapes=MODULES)


def test_an_adapter_that_fits_is_admitted(tmp_path: Path) -> None:
    admitted = check(make_adapter(tmp_path / "adapter"))

    assert admitted == AdmittedAdapter(RANK, 4.0, ("q_proj", "v_proj"))


def test_what_peft_writes_today_is_admitted(tmp_path: Path) -> None:
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

    check(make_adapter(tmp_path / "adapter", config=written_by_peft_0_21))


@pytest.mark.parametrize(
    ("rule", "value", "config"),
    [
        ("config-value", "peft_type='LOHA'", {"peft_type": "LOHA"}),
        ("config-value", "task_type='SEQ_CLS'", {"task_type": "SEQ_CLS"}),
        ("config-value", "use_dora=True", {"use_dora": True}),
        ("config-value", "bias='all'", {"bias": "all"}),
        ("config-value", "lora_bias=True", {"lora_bias": True}),
        ("config-value", "modules_to_save=['lm_head']", {"modules_to_save": ["lm_head"]}),
        ("config-value", "layer_replication=[[0, 2]]", {"layer_replication": [[0, 2]]}),
        ("config-value", "alora_invocation_tokens=[1]", {"alora_invocation_tokens": [1]}),
        ("config-value", "rank_pattern={'q_proj': 4}", {"rank_pattern": {"q_proj": 4}}),
        ("config-value", "alpha_pattern={'q_proj': 4}", {"alpha_pattern": {"q_proj": 4}}),
        ("config-value", "init_lora_weights='pissa'", {"init_lora_weights": "pissa"}),
        ("config-value", "auto_mapping={'x': 'y'}", {"auto_mapping": {"x": "y"}}),
        ("config-value", "use_rslora='yes'", {"use_rslora": "yes"}),
        ("config-key", "trust_remote_code", {"trust_remote_code": True}),
        ("config-rank", "0", {"r": 0}),
        ("config-rank", "513", {"r": 513}),
        ("config-rank", "True", {"r": True}),
        ("config-rank", "'8'", {"r": "8"}),
        ("config-alpha", "0", {"lora_alpha": 0}),
        ("config-alpha", "None", {"lora_alpha": None}),
        ("config-targets", "[]", {"target_modules": []}),
        ("config-targets", "[1]", {"target_modules": [1]}),
        ("tensor-shape", f"{Q[17:]}.lora_A: [{RANK}, {HIDDEN}]", {"r": 4}),
    ],
)
def test_a_configuration_that_is_not_served_is_refused(
    tmp_path: Path, rule: str, value: str, config: dict[str, object]
) -> None:
    with pytest.raises(AdmissionRefused) as refusal:
        check(make_adapter(tmp_path / "adapter", config=config))

    assert (refusal.value.rule, refusal.value.value.strip("'")) == (rule, value.strip("'"))
    assert rule in str(refusal.value)
    assert refusal.value.value in str(refusal.value)


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        ("config-json", b""),
        ("config-json", b"[]"),
        ("config-json", b"\xff"),
        ("config-json", b'{"r": NaN}'),
        ("config-json", b"[" * 60_000),
        ("config-duplicate", b'{"r": 1, "r": 2}'),
        ("config-size", b" " * 70_000),
        ("config-key", b"{}"),
    ],
)
def test_a_configuration_that_is_no_plain_object_is_refused(
    tmp_path: Path, rule: str, data: bytes
) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / "adapter_config.json").write_bytes(data)

    with pytest.raises(AdmissionRefused) as refusal:
        check(folder)

    assert refusal.value.rule == rule


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("tensor-name", {"model.layers.0.self_attn.q_proj.lora_A.weight": ("F32", (2, 8))}),
        ("tensor-name", {f"{Q}.lora_A.default.weight": ("F32", (2, 8))}),
        ("tensor-name", {f"{Q}.lora_magnitude_vector": ("F32", (8,))}),
        ("tensor-name", {"base_model.model.lora_embedding_A": ("F32", (2, 8))}),
        ("tensor-name", {f"{Q}.lora_A.bias": ("F32", (2,))}),
        (
            "tensor-module",
            {"base_model.model.model.q_proj.lora_A.weight": ("F32", (2, 8))},
        ),
        ("tensor-module", {"base_model.model.../../x.lora_A.weight": ("F32", (2, 8))}),
        ("tensor-dtype", {f"{Q}.lora_A.weight": ("I32", (RANK, HIDDEN))}),
        ("tensor-shape", {f"{Q}.lora_A.weight": ("F32", (HIDDEN, RANK))}),
        ("tensor-shape", {f"{Q}.lora_B.weight": ("F32", (OUT, RANK))}),
        ("tensor-shape", {f"{Q}.lora_A.weight": ("F32", (RANK * HIDDEN,))}),
    ],
)
def test_a_tensor_that_does_not_fit_the_base_is_refused(
    tmp_path: Path, rule: str, change: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    folder = make_adapter(tmp_path / "adapter", tensors=adapter_tensors() | change)

    with pytest.raises(AdmissionRefused) as refusal:
        check(folder)

    assert refusal.value.rule == rule


def test_a_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    tensors = adapter_tensors()
    del tensors[f"{Q}.lora_B.weight"]

    with pytest.raises(AdmissionRefused, match=r"tensor-pair.*q_proj\.lora_B"):
        check(make_adapter(tmp_path / "adapter", tensors=tensors))


def test_an_adapter_without_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdmissionRefused, match="tensor-none"):
        check(make_adapter(tmp_path / "adapter", tensors={}))


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("rule", "name", "make"),
    [
        ("file-name", "adapter_model.bin", Path.touch),
        ("file-name", "training_args.bin", Path.touch),
        ("file-name", "v1", Path.mkdir),
        ("file-name", ".hidden", Path.touch),
        ("file-name", "README\x1b[2J.md", Path.touch),
        ("file-kind", "README.md", Path.mkdir),
        ("file-kind", "README.md", link),
        ("file-kind", "README.md", os.mkfifo),
    ],
)
def test_only_plain_files_with_known_names_may_lie_in_the_folder(
    tmp_path: Path, rule: str, name: str, make: Callable[[Path], None]
) -> None:
    folder = make_adapter(tmp_path / "adapter")
    make(folder / name)

    with pytest.raises(AdmissionRefused) as refusal:
        check(folder)

    assert refusal.value.rule == rule
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize("make", [link, os.mkfifo])
def test_a_file_that_is_swapped_after_the_folder_was_read_is_not_followed(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "adapter_config.json")

    with pytest.raises(AdmissionRefused, match="file-kind"):
        open_submitted(tmp_path, "adapter_config.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / "adapter_model.safetensors").unlink()

    with pytest.raises(AdmissionRefused, match=r"file-missing.*adapter_model\.safetensors"):
        check(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AdmissionRefused, match="folder-readable"):
        check(tmp_path / "nowhere")


def test_a_long_value_is_shortened_in_a_refusal(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter", config={"modules_to_save": ["x" * 1000]})

    with pytest.raises(AdmissionRefused) as refusal:
        check(folder)

    assert len(str(refusal.value)) < 300
    json.dumps(refusal.value.value)
