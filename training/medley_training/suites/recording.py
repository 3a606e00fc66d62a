"""An outcome as evidence about the version that was evaluated."""

from collections.abc import Sequence

from medley_registry import Evidence, EvidenceKind, Item, Registry, VariantKind
from medley_registry.canonical import Json, canonical_json
from medley_registry.services.evidence import MOST_ITEMS, MOST_ITEMS_BYTES, MOST_METRICS

from medley_training.measuring.variant import recorded_variant, served_form, variant_of
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.outcome import Outcome
from medley_training.suites.site_name import BOUNDS, OVER_SITES

_BASE = "base/"


def check_recordable(
    registry: Registry, models: Sequence[EvaluatedModel], variant: VariantKind
) -> None:
    """Refuse before anything is asked what `record` would refuse after it.

    Raises:
        BaseMismatch: See `medley_training.measuring.variant`.
    """
    for model in models:
        if model.version is not None:
            form = served_form(registry, model.base, variant)
            variant_of(registry, model.version, form, variant)


def record(
    registry: Registry,
    outcome: Outcome,
    *,
    variant: VariantKind,
    environment: dict[str, Json],
    actor: str,
    base: Outcome | None = None,
) -> Evidence | None:
    """Append an outcome to what is known of its version; None for a base, which has no evidence.

    Items that are more than a registry takes are left out: such a result cannot be compared by a
    gate. So are the metrics of single sites and subjects, where there are too many of them.

    Args:
        registry: Where it belongs.
        outcome: What was found.
        variant: The form in which the base was served.
        environment: The fingerprint of where that was.
        actor: Who evaluated.
        base: What the base alone came to in the same suite; its metrics are ``base/NAME``.

    Raises:
        BaseMismatch: The version has another variant of this kind.
    """
    version = outcome.model.version
    if version is None:
        return None
    form = served_form(registry, outcome.model.base, variant)
    kind = recorded_variant(registry, version, form, variant, actor=actor)
    return registry.evidence.add(
        version.adapter,
        version.number,
        variant=kind,
        kind=EvidenceKind.EVALUATION,
        suite=outcome.suite,
        suite_digest=outcome.suite_digest,
        environment=environment,
        metrics=_recordable(outcome.metrics | (_beside(base) if base else {})),
        actor=actor,
        items=_recordable_items([answer.item for answer in outcome.answers]),
    )


def _beside(base: Outcome) -> dict[str, float]:
    """What an adapter is compared with: the metrics over all items, and their intervals."""
    return {
        f"{_BASE}{name}": value
        for name, value in base.metrics.items()
        if _tail(name) in {"", *BOUNDS} and "@" not in name
    }


def _recordable(metrics: dict[str, float]) -> dict[str, float]:
    if len(metrics) <= MOST_METRICS:
        return metrics
    return {name: value for name, value in metrics.items() if _is_over_all(name)}


def _is_over_all(name: str) -> bool:
    """Whether a metric is of no single site or subject."""
    is_part = "@" in name or _tail(name.removeprefix(_BASE)) not in {"", *BOUNDS, *OVER_SITES}
    return not is_part


def _tail(name: str) -> str:
    """What follows a metric's own name."""
    return name.partition("/")[2]


def _recordable_items(items: Sequence[Item]) -> Sequence[Item]:
    if len(items) > MOST_ITEMS:
        return ()
    size_bytes = len(canonical_json([item.to_json() for item in items]))
    return items if size_bytes <= MOST_ITEMS_BYTES else ()
