"""Where something was measured, as far as it decides what may be compared with what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest

from medley_training.amounts import size_text

_PLACE = ("hardware", "software")
_ENGINE = "engine"
_DEVICE = "device"
_LOAD = "load"
_LOAD_WORDS = ("kind", "concurrency", "rate_per_s", "input_tokens", "output_tokens", "requests")


@dataclass(frozen=True, slots=True)
class Environment:
    """One machine with its software.

    Attributes:
        number: From 1, in the order in which evidence came from there.
        facts: Name → value, flat.
    """

    number: int
    facts: Mapping[str, str]

    @property
    def title(self) -> str:
        return f"environment {self.number}"


def environments(fingerprints: Iterable[Mapping[str, Json]]) -> dict[Digest, Environment]:
    """Every environment by its identity, numbered in the order given."""
    found: dict[Digest, Environment] = {}
    for fingerprint in fingerprints:
        facts = flat(_place(fingerprint))
        found.setdefault(identity(fingerprint), Environment(len(found) + 1, facts))
    return found


def identity(fingerprint: Mapping[str, Json]) -> Digest:
    """Equal for measurements that may be compared: same hardware, software and device.

    How each variant runs in the engine (kernel, dtype, flags) is part of the variant and does not
    count. A fingerprint in another form counts whole.
    """
    return Digest.of(canonical_json(_place(fingerprint)))


def engine_facts(fingerprint: Mapping[str, Json]) -> dict[str, str]:
    """How the engine ran, flat; but for the device, identity does not count it."""
    engine = fingerprint.get(_ENGINE)
    has_place = "hardware" in fingerprint
    return flat(engine) if has_place and isinstance(engine, dict) else {}


def method_facts(fingerprint: Mapping[str, Json]) -> dict[str, str]:
    """How it was measured, flat: all else but the load, which `load_text` tells."""
    told = {*_place(fingerprint), _ENGINE, _LOAD}
    return flat({name: fingerprint[name] for name in fingerprint if name not in told})


def load_weight(fingerprint: Mapping[str, Json]) -> float:
    """Puts loads in order: how many requests are in flight, or come in a second; else 0."""
    load = fingerprint.get(_LOAD)
    if not isinstance(load, dict):
        return 0.0
    weight = load.get("rate_per_s") or load.get("concurrency")
    return float(weight) if isinstance(weight, int | float) else 0.0


def load_text(fingerprint: Mapping[str, Json]) -> str:
    """The load of a benchmark in words; empty where the fingerprint says none."""
    load = fingerprint.get(_LOAD)
    if not isinstance(load, dict):
        return ""
    told = {name: load[name] for name in _LOAD_WORDS if load.get(name) is not None}
    kind = [str(told.pop("kind"))] if "kind" in told else []
    return ", ".join(kind + [f"{name.replace('_', ' ')} {_text(told[name])}" for name in told])


def flat(value: Mapping[str, Json], prefix: str = "") -> dict[str, str]:
    """Nested objects as names joined by spaces; lists as one text; sorted, nothing dropped."""
    found: dict[str, str] = {}
    for name in sorted(value):
        inner, path = value[name], f"{prefix}{name.replace('_', ' ')}"
        if isinstance(inner, dict):
            found |= flat(inner, f"{path} ")
        elif isinstance(inner, list):
            between = " " if name.endswith("flags") else ", "
            found[path] = between.join(map(_text, inner)) or "none"
        elif isinstance(inner, int) and name.endswith("bytes"):
            found[path.removesuffix(" bytes")] = size_text(inner)
        elif isinstance(inner, float) and name.endswith("bytes_per_s"):
            found[path.removesuffix(" bytes per s")] = f"{size_text(inner)}/s"
        elif isinstance(inner, float) and name == "flops":
            found[path] = f"{inner / 1e9:,.3g} GFLOP/s"
        else:
            found[path] = _text(inner)
    return found


def _place(fingerprint: Mapping[str, Json]) -> dict[str, Json]:
    if "hardware" not in fingerprint:
        return dict(fingerprint)
    engine = fingerprint.get(_ENGINE)
    device = engine.get(_DEVICE) if isinstance(engine, dict) else None
    place: dict[str, Json] = {name: fingerprint[name] for name in _PLACE if name in fingerprint}
    return {**place, _DEVICE: device}


def _text(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(value[name])}" for name in sorted(value))
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return str(value)
