"""What there is no record of: whole sections, and variants that lack a suite."""

from collections.abc import Sequence

from medley_registry import VariantKind

from medley_training.reports.records.benchmark_rows import Pages
from medley_training.reports.records.content import Bullets, Section
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.recorded import Measurement

TITLE = "Not measured"


def not_measured_section(findings: Findings, empty: Sequence[tuple[str, str]]) -> Section:
    """A line for each lack; a variant's evidence is its own, none takes another's.

    Args:
        findings: What there is.
        empty: Titles of sections without content, each with what would fill it.
    """
    lines = [f"{title}: {how}" for title, how in empty]
    lines += [*_lacking(findings, findings.records.evaluations, "evaluation")]
    lines += [*_lacking(findings, findings.records.benchmarks, "benchmark")]
    lines += _without_pages(findings)
    return Section(TITLE, (Bullets(tuple(lines)),) if lines else ())


def _lacking(findings: Findings, found: Sequence[Measurement], what: str) -> list[str]:
    """Variants that lack a suite which another variant of their version has."""
    lines = []
    for version in findings.records.versions:
        own = [each for each in found if each.version.reference == version.reference]
        lines += [] if own else [f"{version.reference}: no {what}"]
        for suite in sorted({each.evidence.suite for each in own}):
            there = {each.variant for each in own if each.evidence.suite == suite}
            lines += [
                f"{version.reference} {kind}: no {what} by {suite}"
                for kind in _variants(findings, version.reference)
                if kind not in there
            ]
    return lines


def _without_pages(findings: Findings) -> list[str]:
    """A line for each version of which a variant was benchmarked without pages of documents."""
    kinds: dict[str, dict[str, bool]] = {}
    for each in findings.benches:
        of = each.measurement
        has_pages = kinds.setdefault(of.version.reference, {})
        has_pages.setdefault(of.variant.value, False)
        has_pages[of.variant.value] |= each.benchmark.pages != Pages()
    lacking = {name: [kind for kind in of if not of[kind]] for name, of in kinds.items()}
    what = "no latency of documents' pages; medley bench measures it where the base sees images"
    return [f"{name} {', '.join(of)}: {what}" for name, of in lacking.items() if of]


def _variants(findings: Findings, reference: str) -> list[VariantKind]:
    """The variants that the version has, and those that its base has been quantized to."""
    records = findings.records
    found = {
        each.kind.value for each in records.variants if f"{each.adapter}:{each.number}" == reference
    }
    ids = {each.base_id for each in records.versions if each.reference == reference}
    found |= {
        str(base.recipe.get("method"))
        for base in records.bases
        if base.recipe and base.derived_from in ids
    }
    return [kind for kind in VariantKind if kind.value in found]
