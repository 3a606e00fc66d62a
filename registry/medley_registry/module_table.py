"""The module table of a base model: what an adapter may touch, by the names PEFT gives it.

Shapes come from the weights' headers, for quantized weights also from the small tensors that
describe them. A packing that cannot be told from these is refused, never guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused
from medley_registry.safetensors_header import (
    HeaderLimits,
    TensorEntry,
    read_header,
    read_tensor,
)
from medley_registry.strict_json import parse_object

Shape = tuple[int, ...]

# Mixture-of-experts bases name hundreds of thousands of tensors.
_LIMITS = HeaderLimits(header_bytes=100 << 20, tensors=1_000_000, metadata_bytes=1 << 20)
# A description of a quantized weight is a few numbers, or some 200 bytes of JSON.
_DESCRIPTION_LIMIT_BYTES = 4096
# One number per element, so the shape is the weight's own (fp8 and int8 keep scales beside it).
_PLAIN = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I8"})
# Tables to look up in: their adapters are other tensors (`lora_embedding_A`), which are not served.
_EMBEDDINGS = frozenset(
    {"embed_in", "embed_tokens", "position_embedding", "word_embeddings", "wpe", "wte"}
)
# Vision-language models of transformers 5 keep their parts under "model", while checkpoints keep
# the names they were first published with; PEFT writes the former. From
# `transformers.conversion_mapping` 5.19 (Qwen2VLForConditionalGeneration; llava with LlavaModel,
# and CLIPVisionModel for the towers); the first prefix that fits is replaced.
_QWEN_VL = (
    ("model.language_model.", "model.language_model."),
    ("model.visual.", "model.visual."),
    ("visual.", "model.visual."),
    ("model.", "model.language_model."),
)
_LLAVA = (
    ("language_model.lm_head", "lm_head"),
    ("language_model.model.", "model.language_model."),
    ("language_model.", "model.language_model."),
    ("vision_tower.vision_model.", "model.vision_tower."),
    ("vision_tower.", "model.vision_tower."),
    ("multi_modal_projector.", "model.multi_modal_projector."),
)
_RENAMED = {
    "aya_vision": _LLAVA,
    "gemma3": _LLAVA,
    "got_ocr2": _LLAVA,
    "internvl": _LLAVA,
    "llava": _LLAVA,
    "llava_next": _LLAVA,
    "llava_onevision": _LLAVA,
    "mistral3": _LLAVA,
    "paligemma": _LLAVA,
    "qwen2_5_vl": _QWEN_VL,
    "qwen2_vl": _QWEN_VL,
    "vipllava": _LLAVA,
}


def read_module_table(shards: list[Path], *, model_type: Json) -> dict[str, Shape]:
    """The [out, in] shape of every two-dimensional weight but embeddings, by module.

    Args:
        shards: The files of the weights.
        model_type: What the base's configuration says under this key.

    Raises:
        AdmissionRefused: by rule ``base-quantization`` for weights whose shape cannot be known,
            ``base-weights`` for one module in two places, or a rule of the safetensors header.
    """
    checkpoint = _Checkpoint.read(shards)
    table: dict[str, Shape] = {}
    for module, shape in checkpoint.shapes():
        name = _renamed(module, model_type)
        if table.setdefault(name, shape) != shape:
            raise AdmissionRefused("base-weights", name, because="two shapes for one module")
    return table


def _renamed(module: str, model_type: Json) -> str:
    prefixes = _RENAMED.get(model_type, ()) if isinstance(model_type, str) else ()
    for old, new in prefixes:
        if module.startswith(old):
            return new + module.removeprefix(old)
    return module


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """The tensors of all shards by name, each with the file it is in."""

    tensors: Mapping[str, tuple[Path, TensorEntry]]

    @classmethod
    def read(cls, shards: list[Path]) -> "_Checkpoint":
        tensors = {}
        for shard in shards:
            with open_file(shard) as stream:
                for name, entry in read_header(stream, limits=_LIMITS).items():
                    if name in tensors:
                        raise AdmissionRefused("base-weights", name, because="it is in two files")
                    tensors[name] = (shard, entry)
        return cls(tensors)

    def shapes(self) -> Iterator[tuple[str, Shape]]:
        for name, (_, entry) in self.tensors.items():
            module, _, parameter = name.rpartition(".")
            if module.rpartition(".")[2] in _EMBEDDINGS:
                continue
            match parameter, len(entry.shape):
                case "weight", 2:
                    yield module, self._weight(name, entry)
                case "weight_packed", 2:
                    yield module, self._compressed(module, entry)
                case "qweight", 2:
                    yield module, self._awq(module, entry)

    def _weight(self, name: str, entry: TensorEntry) -> Shape:
        """A weight as it is, or one that bitsandbytes packed and described beside it.

        The description is JSON in a tensor of bytes (`bitsandbytes.functional.QuantState.as_dict`
        with ``packed=True``), whatever the type that the packed weight is stored as.
        """
        for kind in ("nf4", "fp4"):
            found = self.tensors.get(f"{name}.quant_state.bitsandbytes__{kind}")
            if found is not None:
                match parse_object(_content(found), what="base").get("shape"):
                    case [int(out), int(into)] if (
                        out > 0 and -(-out * into // 2) == entry.size_bytes
                    ):
                        return (out, into)
                raise _unknown(name, entry)
        if entry.dtype in _PLAIN:
            return entry.shape
        raise _unknown(name, entry)

    def _compressed(self, module: str, entry: TensorEntry) -> Shape:
        """compressed-tensors' ``pack-quantized``: rows of int32 words, the shape beside them."""
        found = self.tensors.get(f"{module}.weight_shape")
        if found is not None and found[1].dtype == "I64" and found[1].shape == (2,):
            data = _content(found)
            out, into = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")
            if any(entry.shape == (out, -(-into // (32 // bits))) for bits in range(1, 9)):
                return (out, into)
        raise _unknown(f"{module}.weight_packed", entry)

    def _awq(self, module: str, entry: TensorEntry) -> Shape:
        """AutoAWQ's ``gemm``: qweight is [in, out/8], scales are [in/group, out], qzeros alike."""
        scales = self.tensors.get(f"{module}.scales")
        zeros = self.tensors.get(f"{module}.qzeros")
        if scales is not None and zeros is not None and entry.dtype == "I32":
            into, packed = entry.shape
            groups, out = scales[1].shape if len(scales[1].shape) == 2 else (0, 0)
            is_gemm = out == packed * 8 and groups > 0 and into % groups == 0
            if is_gemm and zeros[1].shape == (groups, packed):
                return (out, into)
        raise _unknown(f"{module}.qweight", entry)


def open_file(file: Path) -> BinaryIO:
    """Open a file of a base model, which may be a link.

    Raises:
        AdmissionRefused: by rule ``base-file``.
    """
    try:
        return file.open("rb")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise AdmissionRefused("base-file", str(file), because=reason) from error


def _content(found: tuple[Path, TensorEntry]) -> bytes:
    shard, entry = found
    with open_file(shard) as stream:
        return read_tensor(stream, entry, limit_bytes=_DESCRIPTION_LIMIT_BYTES)


def _unknown(name: str, entry: TensorEntry) -> AdmissionRefused:
    return AdmissionRefused(
        "base-quantization",
        f"{name}: {entry.dtype} {list(entry.shape)}",
        because="the weight's own shape cannot be told from this packing",
    )
