"""What may lie in an adapter's folder, how its tensors must fit, and that one pass sees it all."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import AdmissionRefused, FileEntry
from medley_registry.admission import (
    MEDIA_TYPES,
    SIZE_LIMITS,
    AdmittedAdapter,
    Examined,
    examine,
    open_submitted,
)

from tests.builders import HIDDEN, MODULES, OUT, RANK, adapter_tensors, make_adapter

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
Q = "base_model.model.model.layers.0.self_attn.q_proj"
V = "base_model.model.model.layers.0.self_attn.v_proj"


def check(folder: Path) -> Examined:
    return examine(folder, module_shapes=MODULES)


def refused(folder: Path) -> AdmissionRefused:
    with pytest.raises(AdmissionRefused) as refusal:
        check(folder)
    return refusal.value


def test_an_adapter_that_fits_is_admitted(tmp_path: Path) -> None:
    examined = check(make_adapter(tmp_path / "adapter"))

    assert examined.admitted == AdmittedAdapter(RANK, 4.0, ("q_proj", "v_proj"))


def test_the_manifest_names_the_bytes_that_were_examined(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / "README.md").write_text("# Notes é")
    (folder / "golden.json").write_text(
        '{"schema": 1, "tolerance": 0.1, "prompts": '
        '[{"prompt": "2 + 2 =", "answer": " 4", "tokens": 2, "logprob": -0.25}]}'
    )

    files = check(folder).manifest.files

    assert [entry.path for entry in files] == sorted(MEDIA_TYPES)
    for entry in files:
        data = (folder / entry.path).read_bytes()
        assert isinstance(entry, FileEntry)
        assert (entry.size, entry.media_type) == (len(data), MEDIA_TYPES[entry.path])
        assert entry.sha256.hex == hashlib.sha256(data).hexdigest()


def test_the_examination_reports_its_progress_to_the_last_byte(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    reports: list[tuple[int, int]] = []

    examined = examine(
        folder, module_shapes=MODULES, progress=lambda done, total: reports.append((done, total))
    )

    size_bytes = examined.manifest.size_bytes
    assert reports == sorted(reports)
    assert reports[-1] == (size_bytes, size_bytes)


def test_large_weights_pass_in_pieces(tmp_path: Path) -> None:
    shapes = {"wide": (70_001, 3)}
    tensors = {
        "base_model.model.wide.lora_A.weight": ("F32", (5, 3)),
        "base_model.model.wide.lora_B.weight": ("F32", (70_001, 5)),
    }
    folder = make_adapter(tmp_path / "adapter", tensors=tensors, config={"r": 5})

    entry = examine(folder, module_shapes=shapes).manifest.files[1]

    assert entry.sha256.hex == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def test_each_module_may_have_a_rank_of_its_own(tmp_path: Path) -> None:
    tensors = adapter_tensors()
    tensors[f"{V}.lora_A.weight"] = ("F32", (3, HIDDEN))
    tensors[f"{V}.lora_B.weight"] = ("F32", (OUT, 3))
    folder = make_adapter(
        tmp_path / "adapter", tensors=tensors, config={"rank_pattern": {"self_attn.v_proj": 3}}
    )

    assert check(folder).admitted.rank == 3


@pytest.mark.parametrize("pattern", ["rank_pattern", "alpha_pattern"])
def test_two_keys_that_say_different_things_of_one_module_are_refused(
    tmp_path: Path, pattern: str
) -> None:
    keys = {"self_attn.q_proj": RANK, "q_proj": RANK + 1}
    folder = make_adapter(tmp_path / "adapter", config={pattern: keys})

    assert refused(folder).rule == "config-pattern"


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("tensor-name", {"model.layers.0.self_attn.q_proj.lora_A.weight": ("F32", (2, 8))}),
        ("tensor-name", {f"{Q}.lora_A.default.weight": ("F32", (2, 8))}),
        ("tensor-name", {f"{Q}.lora_magnitude_vector": ("F32", (8,))}),
        ("tensor-name", {"base_model.model.lora_embedding_A": ("F32", (2, 8))}),
        ("tensor-name", {f"{Q}.lora_A.bias": ("F32", (2,))}),
        ("tensor-name", {f"{Q}.lora_C.weight": ("F32", (2, 8))}),
        ("tensor-name", {"../../etc/passwd": ("F32", (2, 8))}),
        ("tensor-pair", {"base_model.model.model.q_proj.lora_A.weight": ("F32", (2, 8))}),
        ("tensor-pair", {"base_model.model.../../x.lora_A.weight": ("F32", (2, 8))}),
        ("tensor-dtype", {f"{Q}.lora_A.weight": ("I32", (RANK, HIDDEN))}),
        ("tensor-dtype", {f"{Q}.lora_A.weight": ("F8_E4M3", (RANK, HIDDEN))}),
        ("tensor-dtype", {f"{Q}.lora_A.weight": ("BF16", (RANK, HIDDEN))}),
        ("tensor-shape", {f"{Q}.lora_A.weight": ("F32", (HIDDEN, RANK))}),
        ("tensor-shape", {f"{Q}.lora_B.weight": ("F32", (OUT, RANK))}),
        ("tensor-shape", {f"{Q}.lora_A.weight": ("F32", (RANK * HIDDEN,))}),
        ("tensor-shape", {f"{Q}.lora_A.weight": ("F32", (RANK, HIDDEN, 1))}),
        ("tensor-shape", {f"{Q}.lora_A.weight": ("F32", (RANK + 1, HIDDEN))}),
        ("safetensors-tensor", {f"{Q}.lora_A.weight": ("F32", (0, 2**60))}),
    ],
)
def test_a_tensor_that_does_not_fit_the_base_is_refused(
    tmp_path: Path, rule: str, change: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    folder = make_adapter(tmp_path / "adapter", tensors=adapter_tensors() | change)

    assert refused(folder).rule == rule


@pytest.mark.parametrize(
    "module", ["model.q_proj", "../../x", "model.layers.0.self_attn.q_proj.", ""]
)
def test_a_module_that_the_base_does_not_have_is_refused(tmp_path: Path, module: str) -> None:
    pair = {
        f"base_model.model.{module}.lora_A.weight": ("F32", (RANK, HIDDEN)),
        f"base_model.model.{module}.lora_B.weight": ("F32", (HIDDEN, RANK)),
    }
    folder = make_adapter(tmp_path / "adapter", tensors=adapter_tensors() | pair)

    assert refused(folder).rule == "tensor-module"


def test_a_half_of_a_pair_is_refused(tmp_path: Path) -> None:
    tensors = adapter_tensors()
    del tensors[f"{Q}.lora_B.weight"]

    refusal = refused(make_adapter(tmp_path / "adapter", tensors=tensors))

    assert (refusal.rule, refusal.value) == (
        "tensor-pair",
        "model.layers.0.self_attn.q_proj.lora_B",
    )


def test_an_adapter_without_tensors_is_refused(tmp_path: Path) -> None:
    assert refused(make_adapter(tmp_path / "adapter", tensors={})).rule == "tensor-none"


@pytest.mark.parametrize(
    ("number", "kind"), [("0000807f", "infinity"), ("000080ff", "infinity"), ("0100807f", "NaN")]
)
def test_a_weight_that_is_no_number_is_refused_with_its_place(
    tmp_path: Path, number: str, kind: str
) -> None:
    content = bytes(4 * 5) + bytes.fromhex(number) + bytes(4 * 2)
    folder = make_adapter(tmp_path / "adapter", contents={f"{V}.lora_B.weight": content})

    refusal = refused(folder)

    assert (refusal.rule, refusal.value) == (
        "tensor-finite",
        f"{kind} in {V}.lora_B.weight at element 5",
    )


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def device(path: Path) -> None:
    os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero


@pytest.mark.parametrize(
    "name",
    [
        "adapter_model.bin",
        ".hidden",
        "README\x1b[2J.md",
        # Other names for the same file: to another system, or to a careless reader.
        "readme.md",
        "ADAPTER_CONFIG.JSON",
        "adapter_config.json ",
        "adapter_config.json.",
        "adapter_config.json\n",
        "adapter_config.json:stream",
        "adapter_config\u200b.json",
        "adapter\uff3fconfig.json",
        "adapter_c\u043enfig.json",
        "cafe\u0301.md",
        "caf\u00e9.md",
        "README.md\\..\\x",
        "..\\README.md",
        "CON",
        "NUL.json",
        "C:README.md",
        "\udcff.md",
    ],
)
def test_only_three_names_may_lie_in_the_folder(tmp_path: Path, name: str) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / name).touch()

    refusal = refused(folder)

    assert refusal.rule == "file-name"
    assert str(refusal).isprintable()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../adapter/README.md", "/etc/passwd", "README.md\0", "\0", "a/b", "readme.md"],
)
def test_no_other_name_can_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(AdmissionRefused, match="file-name"):
        open_submitted(make_adapter(tmp_path / "adapter"), name)


@pytest.mark.parametrize("name", ["README.md", CONFIG, WEIGHTS])
@pytest.mark.parametrize("make", [Path.mkdir, link, os.mkfifo, device])
def test_only_plain_files_may_lie_in_the_folder(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / name).unlink(missing_ok=True)
    try:
        make(folder / name)
    except PermissionError:
        pytest.skip("only root makes devices")

    assert refused(folder).rule == "file-kind"


def test_a_link_to_a_file_of_the_same_folder_is_refused_too(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / "README.md").symlink_to(CONFIG)

    assert refused(folder).rule == "file-kind"


def test_a_hard_link_is_a_plain_file(tmp_path: Path) -> None:
    """Installers link files so; whatever changes through the other name has another digest."""
    folder = make_adapter(tmp_path / "adapter")
    os.link(folder / CONFIG, tmp_path / "other")

    assert check(folder) == check(make_adapter(tmp_path / "same"))


@pytest.mark.parametrize("make", [link, os.mkfifo, Path.mkdir])
def test_a_file_that_is_swapped_after_the_folder_was_read_is_not_followed(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / CONFIG)

    with pytest.raises(AdmissionRefused, match="file-kind"):
        open_submitted(tmp_path, CONFIG)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / name).unlink()

    refusal = refused(folder)

    assert (refusal.rule, refusal.value) == ("file-missing", name)


@pytest.mark.parametrize("name", ["nowhere", "file", "a\0b"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    assert refused(tmp_path / name).rule == "folder-readable"


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "README.md"])
def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, name: str) -> None:
    folder = make_adapter(tmp_path / "adapter")
    with (folder / name).open("ab") as stream:
        stream.truncate(SIZE_LIMITS[name] + 1)  # takes no room on the disk

    assert refused(folder).rule == "file-size"


def test_a_readme_is_text(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter")
    (folder / "README.md").write_bytes(b"\x80\x04\x95")

    assert refused(folder).rule == "file-text"


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 4)


def extend(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"\0")


@pytest.mark.parametrize(("name", "change"), [(CONFIG, extend), (WEIGHTS, extend), (WEIGHTS, cut)])
def test_a_file_that_changes_its_size_meanwhile_is_refused(
    tmp_path: Path, name: str, change: Callable[[Path], None]
) -> None:
    folder = make_adapter(tmp_path / "adapter")

    def meanwhile(done: int, total: int) -> None:
        if done < total:  # the configuration has just been read
            change(folder / name)

    with pytest.raises(AdmissionRefused, match="file-changed"):
        examine(folder, module_shapes=MODULES, progress=meanwhile)


def test_a_long_value_is_shortened_in_a_refusal(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "adapter", config={"modules_to_save": ["x" * 1000]})

    refusal = refused(folder)

    assert len(str(refusal)) < 300
    json.dumps(refusal.value)
