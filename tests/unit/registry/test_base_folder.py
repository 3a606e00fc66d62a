import json
from pathlib import Path

import pytest
from medley_registry import AdmissionRefused
from medley_registry.base_folder import read_base

from tests.builders import MODULES, make_base, write_safetensors


def test_a_base_gives_its_architecture_and_module_table(tmp_path: Path) -> None:
    base = read_base("tiny", make_base(tmp_path / "base"))

    assert base.architecture == "TinyForCausalLM"
    assert base.module_shapes == MODULES


def test_the_same_content_elsewhere_is_the_same_base(tmp_path: Path) -> None:
    here = read_base("tiny", make_base(tmp_path / "here"))
    there = read_base("other", make_base(tmp_path / "there"))

    assert here.base_id == there.base_id


def test_who_saved_a_config_is_no_part_of_the_identity(tmp_path: Path) -> None:
    saved = read_base("tiny", make_base(tmp_path / "one"))
    volatile = {"transformers_version": "4.0.0", "_name_or_path": "/here"}
    again = read_base("tiny", make_base(tmp_path / "two", config=volatile))

    assert saved.base_id == again.base_id


def test_other_weights_or_another_config_are_another_base(tmp_path: Path) -> None:
    bases = [
        read_base("tiny", make_base(tmp_path / "one")),
        read_base("tiny", make_base(tmp_path / "two", fill=2)),
        read_base("tiny", make_base(tmp_path / "three", config={"rope_theta": 10000.0})),
    ]

    assert len({base.base_id for base in bases}) == 3


def test_a_chat_template_counts_the_same_in_a_file_of_its_own(tmp_path: Path) -> None:
    inside = make_base(tmp_path / "inside")
    outside = make_base(tmp_path / "outside")
    (outside / "tokenizer_config.json").write_text("{}")
    (outside / "chat_template.jinja").write_text("{{ messages }}")
    none = make_base(tmp_path / "none")
    (none / "tokenizer_config.json").unlink()

    assert read_base("tiny", inside).base_id == read_base("tiny", outside).base_id
    assert read_base("tiny", none).chat_template_digest is None


def test_a_processor_is_part_of_what_a_base_computes(tmp_path: Path) -> None:
    of_text = read_base("tiny", make_base(tmp_path / "text"))
    folder = make_base(tmp_path / "images")
    (folder / "preprocessor_config.json").write_text('{"patch_size": 14, "_name_or_path": "a"}')
    of_images = read_base("tiny", folder)
    (folder / "preprocessor_config.json").write_text('{"_name_or_path": "b", "patch_size": 14}')
    saved_again = read_base("tiny", folder)
    (folder / "preprocessor_config.json").write_text('{"patch_size": 28}')
    of_others = read_base("tiny", folder)

    assert len({of_text.base_id, of_images.base_id, of_others.base_id}) == 3
    assert saved_again.base_id == of_images.base_id


def test_a_base_of_text_keeps_the_identity_it_always_had(tmp_path: Path) -> None:
    base = read_base("tiny", make_base(tmp_path / "base"))

    assert base.base_id.hex == "54434917a3352ba1d7c47be5e17cd32e54f511a88423ec257b5a2e922011f863"


def test_a_chat_template_of_a_processor_counts_the_same(tmp_path: Path) -> None:
    inside = make_base(tmp_path / "inside")
    outside = make_base(tmp_path / "outside")
    (outside / "tokenizer_config.json").write_text("{}")
    (outside / "chat_template.json").write_text('{"chat_template": "{{ messages }}"}')

    assert read_base("tiny", inside).base_id == read_base("tiny", outside).base_id


def test_named_chat_templates_count_as_a_whole(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    templates = [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": templates}))

    assert read_base("tiny", folder).chat_template_digest is not None


def test_a_huge_length_limit_as_tokenizers_write_it_has_a_canonical_form(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": int(1e30)}))

    read_base("tiny", folder)


def test_sharded_weights_are_read_through_their_index(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    shards = {}
    for number, (module, shape) in enumerate(MODULES.items(), start=1):
        shards[f"{module}.weight"] = f"model-0000{number}-of-00002.safetensors"
        write_safetensors(
            folder / shards[f"{module}.weight"], {f"{module}.weight": ("BF16", shape)}
        )
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))

    assert read_base("tiny", folder).module_shapes == MODULES


def test_hashing_reports_its_progress(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    reports: list[tuple[int, int]] = []

    read_base("tiny", folder, progress=lambda done, total: reports.append((done, total)))

    size = (folder / "model.safetensors").stat().st_size
    assert reports[-1] == (size, size)


@pytest.mark.parametrize(
    ("rule", "name", "content"),
    [
        ("base-file", "config.json", None),
        ("base-json", "config.json", "{"),
        ("base-config", "config.json", "{}"),
        ("base-config", "config.json", '{"architectures": ["X"], "n": 9007199254740993}'),
        ("base-json", "tokenizer_config.json", '{"chat_template": "\\ud800"}'),
        ("base-config", "chat_template.jinja", b"\xff"),
        ("base-json", "preprocessor_config.json", "{"),
        ("base-weights", "model.safetensors", None),
        ("safetensors-length", "model.safetensors", "pickle"),
        ("base-file", "tokenizer.json", None),
    ],
)
def test_a_folder_that_is_no_base_model_is_refused(
    tmp_path: Path, rule: str, name: str, content: str | bytes | None
) -> None:
    folder = make_base(tmp_path / "base")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(AdmissionRefused) as refusal:
        read_base("tiny", folder)

    assert refusal.value.rule == rule


@pytest.mark.parametrize("shard", ["../secret.safetensors", "/etc/passwd", "..", "", 7, ["x"]])
def test_an_index_cannot_lead_out_of_its_folder(tmp_path: Path, shard: object) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    index = json.dumps({"weight_map": {"x.weight": shard}})
    (folder / "model.safetensors.index.json").write_text(index)

    with pytest.raises(AdmissionRefused, match="base-weights"):
        read_base("tiny", folder)
