"""Pickles in every guise: folders of an adapter in which one is hidden.

Each pickle makes a folder `MARK` where it is loaded, so that a test sees if anything ever did.
"""

import bz2
import gzip
import io
import json
import lzma
import marshal
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from base64 import b64encode
from binascii import crc32
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.builders import RANK, adapter_tensors, make_adapter, safetensors_bytes

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
MARK = "unpickled"


class _Trap:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (MARK,)


@dataclass(frozen=True)
class Disguise:
    name: str
    files: Mapping[str, bytes]

    def make(self, folder: Path) -> Path:
        """An adapter that is good but for these files."""
        make_adapter(folder)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return folder


def trap(protocol: int = 4) -> bytes:
    return pickle.dumps(_Trap(), protocol)


def hidden() -> Iterator[Disguise]:
    """Every guise that must be refused."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield _weights(f"pickle protocol {protocol}", trap(protocol))
    raw = trap()
    yield from _torch(trap(2))
    yield from _packed(raw)
    yield from _numpy()
    yield from _within_safetensors(raw)
    yield from _beside_the_weights(raw)


def shown() -> Iterator[Disguise]:
    """Pickles that are text in a place for text, and may enter as that."""
    text, coded = trap(0).decode("ascii"), b64encode(trap()).decode("ascii")
    yield Disguise("README of ASCII", {"README.md": text.encode()})
    yield Disguise("README of base64", {"README.md": coded.encode()})
    yield _weights("metadata of ASCII", _safetensors({"note": text}))
    yield _weights("metadata of base64", _safetensors({"note": coded}))
    yield Disguise("note in the configuration", {CONFIG: _config(base_model_name_or_path=text)})


def _weights(name: str, data: bytes) -> Disguise:
    return Disguise(name, {WEIGHTS: data})


def _torch(raw: bytes) -> Iterator[Disguise]:
    """What `torch.save` writes, by the formats it has had."""
    names = {"archive/data.pkl": raw, "archive/version": b"3\n", "archive/byteorder": b"little"}
    yield _weights("torch zip", _zip(names))
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
    yield _weights("torch before 1.6", magic + pickle.dumps({"little_endian": True}, 2) + raw)
    parts = {"sys_info": raw, "pickle": raw, "storages": raw, "tensors": raw}
    yield _weights("torch before 0.1.10", _tar(parts))
    yield _weights("torch script", _zip({"code/__torch__.py": b"import os", "data.pkl": raw}))


def _packed(raw: bytes) -> Iterator[Disguise]:
    tar = _tar({"data.pkl": raw})
    yield _weights("gzip", gzip.compress(raw))
    yield _weights("bzip2", bz2.compress(raw))
    yield _weights("xz", lzma.compress(raw))
    yield _weights("zlib", zlib.compress(raw))
    yield _weights("7z", _seven_zip(raw))
    yield _weights("hexadecimal", raw.hex().encode())
    yield _weights("zip", _zip({"data.pkl": raw}))
    yield _weights("deflated zip", _zip({"data.pkl": raw * 20}, zipfile.ZIP_DEFLATED))
    yield _weights("tar", tar)
    yield _weights("tar.gz", gzip.compress(tar))
    yield _weights("joblib of old", f"ZF{len(raw):#021x}".encode() + zlib.compress(raw))
    yield _weights("dill", b"\x80\x04\x8c\ndill._dill\x8c\n_load_type\x93\x8c\4code\x85R.")
    yield _weights("byte code", bytes(16) + marshal.dumps(compile("1", "x", "exec")))


def _numpy() -> Iterator[Disguise]:
    import numpy as np

    objects = np.array([_Trap()], dtype=object)
    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, objects, allow_pickle=True)
    np.savez(npz, weight=objects)
    yield _weights("npy of objects", npy.getvalue())
    yield _weights("npz of objects", npz.getvalue())


def _within_safetensors(raw: bytes) -> Iterator[Disguise]:
    good = _safetensors({})
    archive = _zip({"data.pkl": raw})
    yield _weights("safetensors with a pickle after it", good + raw)
    yield _weights("safetensors with a zip after it", good + archive)
    yield _weights("safetensors that zip offsets know of", _zip({"data.pkl": raw}, begin=good))
    yield _weights("zip in the last tensor", good[: -len(archive)] + archive)
    yield _weights("zip with a comment in the last tensor", _commented(good, archive))
    yield _weights("empty safetensors before a pickle", safetensors_bytes({}, raw))
    yield _weights("pickle as a tensor", _safetensors({}, extra=raw))
    yield _weights("pickle for a header", safetensors_bytes(raw))
    yield _weights("pickle in a hole", _with_hole(raw))


def _beside_the_weights(raw: bytes) -> Iterator[Disguise]:
    for name in (
        "adapter_model.bin", "adapter_model.pt", "adapter_model.pkl", "training_args.bin",
        "optimizer.pt", "adapter_model.safetensors.bin", "Adapter_Model.safetensors",
        "adapter_model.safetensors ", "__init__.py",
    ):  # fmt: skip
        yield Disguise(f"pickle named {name!r}", {name: raw})
    yield Disguise("README of bytes", {"README.md": raw})
    yield Disguise("configuration of bytes", {CONFIG: raw})
    yield Disguise("configuration in a zip", {CONFIG: _zip({CONFIG: raw})})
    unknown = _config(state=b64encode(raw).decode())
    yield Disguise("unknown key of the configuration", {CONFIG: unknown})
    yield Disguise("something after the configuration", {CONFIG: _config() + raw})


def _config(**more: object) -> bytes:
    least = {"peft_type": "LORA", "r": RANK, "lora_alpha": 4, "target_modules": ["q_proj"]}
    return json.dumps(least | more).encode()


def _safetensors(metadata: Mapping[str, str], *, extra: bytes = b"") -> bytes:
    """Weights that fit the tiny base, wide enough to hide something in their last tensor."""
    header: dict[str, object] = {"__metadata__": metadata}
    end = 0
    for name, (dtype, shape) in adapter_tensors(rank=RANK).items():
        begin, end = end, end + 4 * shape[0] * shape[1]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    if extra:
        offsets = [end, end + len(extra)]
        header["payload"] = {"dtype": "U8", "shape": [len(extra)], "data_offsets": offsets}
    return safetensors_bytes(header, bytes(end) + extra)


def _with_hole(raw: bytes) -> bytes:
    entry = {"dtype": "U8", "shape": [1]}
    header = {
        "a": entry | {"data_offsets": [0, 1]},
        "b": entry | {"data_offsets": [len(raw) + 1, len(raw) + 2]},
    }
    return safetensors_bytes(header, b"\0" + raw + b"\0")


def _commented(good: bytes, archive: bytes) -> bytes:
    comment = bytes(8)
    end = archive[:-2] + struct.pack("<H", len(comment)) + comment
    return good[: -len(end)] + end


def _zip(
    files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED, *, begin: bytes = b""
) -> bytes:
    stream = io.BytesIO(begin)
    with zipfile.ZipFile(stream, "a" if begin else "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def _seven_zip(data: bytes) -> bytes:
    """One stored file (7zFormat.txt of the LZMA SDK); `data` is shorter than 128 bytes."""
    name = "data.pkl\0".encode("utf-16-le")
    header = bytes([1, 4, 6, 0, 1, 9, len(data), 0])  # main streams: one pack of this size
    header += bytes([7, 11, 1, 0, 1, 1, 0, 12, len(data), 0])  # one folder, one coder: copy
    header += bytes([8, 10, 1]) + struct.pack("<I", crc32(data)) + bytes([0, 0])
    header += bytes([5, 1, 17, len(name) + 1, 0]) + name + bytes([0, 0])  # one file and its name
    start = struct.pack("<QQI", len(data), len(header), crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", crc32(start)) + start + data + header
