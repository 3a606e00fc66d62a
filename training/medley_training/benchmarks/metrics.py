"""Rows as evidence carries them: flat numbers; `medley_registry.benchmark_rows` reads them back."""

from collections.abc import Iterable, Mapping
from typing import Any

from medley_registry.benchmark_rows import PLAIN_NAMES

from medley_training.benchmarks.lane import Engine
from medley_training.benchmarks.rows import Row

_WORDS = frozenset({"adapters", "engine", "load", "slots", "slo", "variant", "versions"})
"""Columns that say what was measured; the prefix and the environment tell them."""
PAGES = "pages"
"""Begins the names of what was measured with pages of documents; no adapter takes part."""


def prefix(row: Row) -> str:
    """``anone``, ``a0``, ``a1``, … and ``transformers/a1``."""
    label = "none" if row["slots"] == "none" else row["adapters"]
    lane = f"{row['engine']}/" if row["engine"] != Engine.VLLM else ""
    return f"{lane}a{label}"


def metrics_of(rows: Iterable[Row]) -> dict[str, float]:
    """All numbers of the rows of one version and variant, by name; None is left out."""
    found: dict[str, float] = {}
    for row in rows:
        flat = _flat({name: value for name, value in row.items() if name not in _WORDS | {"ci"}})
        for name, (low, high) in row["ci"].items():
            flat |= {f"{name}/ci_low": low, f"{name}/ci_high": high}
        found |= {f"{prefix(row)}/{name}": value for name, value in flat.items()}
        if prefix(row) == "a1":
            found |= {plain: flat[name] for plain, name in PLAIN_NAMES.items() if name in flat}
    return found


def page_metrics_of(row: Row) -> dict[str, float]:
    """The numbers of a row about pages: ``pages/count`` and ``pages/latency_ms/p50`` and so on."""
    return _flat({PAGES: {"count": row["pages"], "latency_ms": row["page_ms"]}})


def _flat(values: Mapping[str, Any]) -> dict[str, float]:
    flat: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}/{part}": inner for part, inner in _flat(value).items()}
        elif value is not None:
            flat[name] = value
    return flat
