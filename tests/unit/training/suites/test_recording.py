"""What of an outcome a registry takes."""

from medley_registry import Digest, EvidenceKind, Registry, VariantKind
from medley_registry.services.evidence import MOST_METRICS
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.outcome import Outcome
from medley_training.suites.recording import record

_KEPT = {
    *("field_f1", "field_f1/ci_low", "field_f1/ci_high"),
    *("field_f1/minimum", "field_f1/maximum", "field_f1/harmonic_mean"),
}
_BESIDE = {"base/field_f1", "base/field_f1/ci_low", "base/field_f1/ci_high"}
_SITES = {
    f"field_f1/site-{number}{end}"
    for number in range(MOST_METRICS // 3)
    for end in ("", "/ci_low", "/ci_high")
}


def _outcome(model: EvaluatedModel, names: set[str]) -> Outcome:
    return Outcome(
        model=model,
        suite="extraction",
        suite_digest=Digest.of(b"items"),
        main_metric="field_f1",
        answers=(),
        metrics=dict.fromkeys(names, 0.5),
        took_s=1.0,
    )


def test_of_too_many_metrics_only_those_of_single_sites_and_subjects_go(
    registry: Registry, model: EvaluatedModel
) -> None:
    outcome = _outcome(model, _KEPT | _SITES | {"field_f1@labs", "field_f1@labs/ci_low"})
    base = _outcome(EvaluatedModel(model.base), _KEPT | _SITES)

    found = record(
        registry, outcome, variant=VariantKind.BF16, environment={}, actor="ada", base=base
    )

    assert found is not None
    assert found.kind is EvidenceKind.EVALUATION
    assert found.metrics.keys() == _KEPT | _BESIDE


def test_metrics_that_fit_are_all_kept(registry: Registry, model: EvaluatedModel) -> None:
    names = {"field_f1", "field_f1/harbor", "field_f1/harbor/ci_low", "field_f1@labs"}

    found = record(
        registry, _outcome(model, names), variant=VariantKind.BF16, environment={}, actor="ada"
    )

    assert found is not None
    assert found.metrics.keys() == names
