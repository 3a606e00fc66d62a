"""The report in sentences, each made of numbers that stand in the sections below it."""

from collections.abc import Sequence

from medley_registry import VariantKind
from medley_registry.decisions import Outcome

from medley_training.amounts import counted, size_text
from medley_training.reports.privacy_text import percent_text
from medley_training.reports.records.benchmark_rows import BenchmarkRow
from medley_training.reports.records.contender import Contender, Field
from medley_training.reports.records.content import Bullets, Section
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.glance_table import glance_table
from medley_training.reports.records.quantities import (
    change_of,
    change_text,
    signed_text,
)
from medley_training.reports.records.quantities import (
    percent_text as share_text,
)
from medley_training.reports.records.recommendation import recommendations
from medley_training.reports.records.recorded import Records
from medley_training.reports.records.training_tables import run_text
from medley_training.rounds.event_text import metric_name

TITLE = "Summary"


def summary_section(findings: Findings, fields: Sequence[Field], *, margin: float) -> Section:
    """What was measured and what came of it: a table for each field, then sentences."""
    records = findings.records
    lines = [scope_text(records)]
    for field in fields:
        lines += _variants(field) + _limits(field)
        found = recommendations(field, margin=margin)
        lines += [f"{field.title}, {each.text}." for each in found if each.variant]
    lines += [*_gate(records), *_runs(records)]
    return Section(TITLE, (*map(glance_table, fields), Bullets(tuple(lines))))


def scope_text(records: Records) -> str:
    """How much there is."""
    adapters = {each.adapter for each in records.versions}
    kinds = {each.variant for each in records.measurements}
    variants = [kind.value for kind in VariantKind if kind in kinds]
    places = {each.environment.number for each in records.measurements}
    parts = [
        f"{counted(len(records.versions), 'version')} of {counted(len(adapters), 'adapter')}",
        counted(len(variants), "variant") + (f" ({', '.join(variants)})" if variants else ""),
        counted(len(records.benchmarks), "benchmark"),
        counted(len(records.evaluations), "evaluation"),
        counted(len(places), "environment"),
        counted(len(records.decisions), "decision"),
        counted(len(records.runs), "run"),
    ]
    return f"On record: {', '.join(parts)}."


def _variants(field: Field) -> list[str]:
    """Each variant but bf16 beside it."""
    bf16 = field.bf16
    if bf16 is None:
        return []
    told = {
        each.variant: _changes(each.row, bf16.row, field) + _accuracy(each)
        for each in field.contenders
        if each is not bf16
    }
    return [
        f"{field.title}, {kind} against bf16: {'; '.join(parts)}."
        for kind, parts in told.items()
        if parts
    ]


def _changes(row: BenchmarkRow | None, base: BenchmarkRow | None, field: Field) -> list[str]:
    if row is None or base is None:
        return []
    told = {
        "weights": change_of(row.memory_mb.weights, base.memory_mb.weights),
        "smallest budget": change_of(row.smallest_budget_mb, base.smallest_budget_mb),
        f"between tokens at p95 with {field.slots_text}": change_of(
            row.itl_ms.p95, base.itl_ms.p95
        ),
        "tokens a second": change_of(row.tokens_per_s, base.tokens_per_s),
    }
    return [f"{what} {change_text(share)}" for what, share in told.items() if share is not None]


def _accuracy(each: Contender) -> list[str]:
    lines = []
    for scored in each.scores:
        if scored.difference and scored.metric:
            apart, bound = scored.difference.value, scored.difference.lower_bound
            what = f"{metric_name(scored.metric)} on {scored.measurement.evidence.suite}"
            lines.append(f"{what} {signed_text(apart)}, at least {signed_text(bound)}")
    return lines


def _limits(field: Field) -> list[str]:
    ratios = {c.variant: c.row.floor_ratio for c in field.contenders if c.row}
    told = [f"{kind} {share_text(found.value)}" for kind, found in ratios.items() if found]
    if not told:
        return []
    return [f"{field.title}, share of the bandwidth's floor reached: {', '.join(told)}."]


def _gate(records: Records) -> list[str]:
    asked = len(records.decisions)
    if not asked:
        return []
    passed = sum(each.outcome is Outcome.PASSED for each in records.decisions)
    times = counted(asked, "time")
    return [f"The gate decided {times}: {passed} passed, {asked - passed} refused."]


def _runs(records: Records) -> list[str]:
    lines = []
    for run in records.runs:
        lines.append(run_text(run))
        totals = run.privacy.totals
        largest = max((total.largest_upload_bytes for total in totals), default=0)
        up = sum(total.bytes_up for total in totals)
        share = percent_text(run.privacy.share_of_base(largest))
        lines.append(
            f"Run {run.name}: {size_text(up)} left {counted(len(totals), 'site')}; the largest "
            f"upload, {size_text(largest)}, is {share} of the base's size."
        )
    return lines
