"""Reading a base model's identity and module table out of a Hugging Face model folder.

The folder belongs to whoever runs the registry, so links in it are followed (the hub's cache is
made of them); its weights are still read by their headers only.
"""

from collections.abc import Callable
from pathlib import Path

from medley_registry import timestamps
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest, digest_stream
from medley_registry.errors import AdmissionRefused
from medley_registry.manifest import FileEntry, Manifest, is_plain_name
from medley_registry.module_table import open_file, read_module_table
from medley_registry.strict_json import parse_object

Progress = Callable[[int, int], None]
"""Called while hashing with the bytes done and the bytes there are."""

_WEIGHTS = "model.safetensors"
_WEIGHTS_INDEX = "model.safetensors.index.json"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_CHAT_TEMPLATE = "chat_template"  # a key of the tokenizer's configuration
_CHAT_TEMPLATE_FILE = "chat_template.jinja"
_CHAT_TEMPLATE_JSON = "chat_template.json"  # where processors of transformers 4 kept it
_TOKENIZER_FILES = (
    "added_tokens.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
)
# How a base with other inputs than text prepares them; a base of text has none of these.
_PROCESSOR_FILES = (
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
)
# Which software wrote the file and from where: it differs between copies of one model.
_VOLATILE = frozenset(
    {"_commit_hash", "_name_or_path", "name_or_path", "tokenizer_file", "transformers_version"}
)
# An index of a million tensors; no configuration comes near it.
_JSON_LIMIT_BYTES = 256 << 20


def read_base(name: str, path: Path, *, progress: Progress | None = None) -> BaseModel:
    """Hash a model folder's content into a base model.

    Raises:
        AdmissionRefused: by one of the rules ``base-file``, ``-json``, ``-duplicate``,
            ``-weights``, ``-config``, ``-quantization`` and those of the safetensors header.
    """
    config = _object(path / "config.json")
    tokenizer_config = _object(path / _TOKENIZER_CONFIG) if _has(path, _TOKENIZER_CONFIG) else {}
    shards = _shards(path)
    return BaseModel(
        name=name,
        path=path,
        architecture=_architecture(config),
        module_shapes=read_module_table(shards, model_type=config.get("model_type")),
        weights_digest=_manifest(shards, progress=progress).digest,
        config_digest=_digest(_stable(config)),
        tokenizer_digest=_tokenizer_digest(path, tokenizer_config),
        chat_template_digest=_chat_template_digest(path, tokenizer_config),
        created_at=timestamps.now(),
    )


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _read(file: Path) -> bytes:
    with open_file(file) as stream:
        data = stream.read(_JSON_LIMIT_BYTES + 1)
    if len(data) > _JSON_LIMIT_BYTES:
        raise AdmissionRefused("base-file", file.name, because=f"over {_JSON_LIMIT_BYTES} bytes")
    return data


def _object(file: Path) -> dict[str, Json]:
    return parse_object(_read(file), what="base")


def _architecture(config: dict[str, Json]) -> str:
    match config.get("architectures"):
        case [str(architecture), *_]:
            return architecture
        case other:
            raise AdmissionRefused("base-config", other, because="'architectures' names no class")


def _shards(folder: Path) -> list[Path]:
    """The weights' files, by name."""
    if _has(folder, _WEIGHTS):
        return [folder / _WEIGHTS]
    if not _has(folder, _WEIGHTS_INDEX):
        raise AdmissionRefused(
            "base-weights", str(folder), because=f"neither {_WEIGHTS} nor {_WEIGHTS_INDEX}"
        )
    weight_map = _object(folder / _WEIGHTS_INDEX).get("weight_map")
    names = [*weight_map.values()] if isinstance(weight_map, dict) else []
    plain = {name for name in names if isinstance(name, str) and is_plain_name(name)}
    if not names or not all(isinstance(name, str) and name in plain for name in names):
        raise AdmissionRefused(
            "base-weights", weight_map, because="'weight_map' maps tensors to file names"
        )
    return [folder / name for name in sorted(plain)]


def _manifest(files: list[Path], *, progress: Progress | None = None) -> Manifest:
    total = sum(file.stat().st_size for file in files)
    done = 0

    def count(chunk: bytes) -> None:
        nonlocal done
        done += len(chunk)
        if progress is not None:
            progress(done, total)

    entries = []
    for file in files:
        with open_file(file) as stream:
            digest, size = digest_stream(stream, each=count)
        entries.append(FileEntry(file.name, size, digest, "application/octet-stream"))
    return Manifest(tuple(entries))


def _tokenizer_digest(folder: Path, tokenizer_config: dict[str, Json]) -> Digest:
    files = [folder / name for name in _TOKENIZER_FILES if _has(folder, name)]
    if not files:
        raise AdmissionRefused("base-file", str(folder), because="no tokenizer file")
    config = {key: value for key, value in tokenizer_config.items() if key != _CHAT_TEMPLATE}
    identity: dict[str, Json] = {"files": _manifest(files).digest.hex, "config": _stable(config)}
    processor: dict[str, Json] = {
        name: _stable(_object(folder / name)) for name in _PROCESSOR_FILES if _has(folder, name)
    }
    # Only where there is one, so that a base of text is what it was before this was counted.
    return _digest(identity | {"processor": processor} if processor else identity)


def _chat_template_digest(folder: Path, tokenizer_config: dict[str, Json]) -> Digest | None:
    """The same whether the template has a file of its own or stands in a configuration."""
    template = tokenizer_config.get(_CHAT_TEMPLATE)
    if _has(folder, _CHAT_TEMPLATE_FILE):
        # Bytes that are no UTF-8 become surrogates here, which have no canonical form.
        template = _read(folder / _CHAT_TEMPLATE_FILE).decode("utf-8", "surrogateescape")
    elif _has(folder, _CHAT_TEMPLATE_JSON):
        template = _object(folder / _CHAT_TEMPLATE_JSON).get(_CHAT_TEMPLATE)
    return None if template is None else _digest(template)


def _stable(content: dict[str, Json]) -> Json:
    return {key: value for key, value in content.items() if key not in _VOLATILE}


def _digest(value: Json) -> Digest:
    try:
        return Digest.of(canonical_json(value))
    except ValueError as error:
        raise AdmissionRefused("base-config", str(error), because="no canonical form") from error
