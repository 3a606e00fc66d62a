"""The whole report: every section in its order, and what could not be filled."""

from collections.abc import Callable

from medley_registry.commands.screen import moment

from medley_training.reports.records.accuracy_table import TITLE as ACCURACY
from medley_training.reports.records.accuracy_table import accuracy_section
from medley_training.reports.records.base_table import base_section, quantization_section
from medley_training.reports.records.contender import Field, fields
from medley_training.reports.records.content import (
    Block,
    Document,
    Figure,
    Paragraph,
    Section,
)
from medley_training.reports.records.environment_table import environment_section
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.gate_table import gate_section
from medley_training.reports.records.latency_table import (
    TITLE as LATENCY,
)
from medley_training.reports.records.latency_table import lanes_section, latency_section
from medley_training.reports.records.memory_table import TITLE as MEMORY
from medley_training.reports.records.memory_table import memory_section
from medley_training.reports.records.not_measured import not_measured_section
from medley_training.reports.records.other_metrics import history_section, other_section
from medley_training.reports.records.privacy_tables import privacy_section
from medley_training.reports.records.published_figures import published_section
from medley_training.reports.records.recommendation import MARGIN, recommendation_section
from medley_training.reports.records.recorded import Records
from medley_training.reports.records.summary import summary_section
from medley_training.reports.records.training_tables import (
    comparison_section,
    curves_section,
    rounds_section,
)
from medley_training.reports.records.variant_plots import (
    accuracy_plot,
    memory_plot,
    speed_plot,
    trade_plot,
)

_BENCH = "medley bench records it"
_EVAL = "medley eval records it"
_RUN = "give run folders with --run"
_PLOTS: dict[str, tuple[Callable[[Field], Figure | None], ...]] = {
    MEMORY: (memory_plot,),
    LATENCY: (speed_plot,),
    ACCURACY: (accuracy_plot, trade_plot),
}


def document(records: Records, *, margin: float = MARGIN) -> Document:
    """The report of these records; equal records give equal reports.

    Args:
        records: What there is.
        margin: How much accuracy a recommended variant may lose against bf16.
    """
    findings = Findings.of(records)
    contended = fields(findings)
    made = _sections(findings, contended, margin)
    empty = [(section.title, how) for section, how in made if not section.blocks and how]
    told = [_with_plots(section, contended) for section, _ in made if section.blocks]
    lacks = not_measured_section(findings, empty)
    sections = [
        summary_section(findings, contended, margin=margin),
        *told,
        *([lacks] if lacks.blocks else []),
    ]
    return Document(_title(records), _lead(records), tuple(sections))


def _sections(
    findings: Findings, contended: tuple[Field, ...], margin: float
) -> list[tuple[Section, str]]:
    """Each section with what would fill it; nothing is said of those whose lack is no gap."""
    return [
        (environment_section(findings), f"{_BENCH}, {_EVAL}"),
        (base_section(findings), ""),
        (quantization_section(findings), "medley quantize records it"),
        (memory_section(findings), _BENCH),
        (latency_section(findings), _BENCH),
        (lanes_section(findings), _BENCH),
        (curves_section(findings), _RUN),
        (rounds_section(findings), _RUN),
        (comparison_section(findings), "give several run folders with --run"),
        (accuracy_section(findings), _EVAL),
        (gate_section(findings), "promoting to a protected alias records it"),
        (privacy_section(findings), _RUN),
        (recommendation_section(contended, margin=margin), f"{_BENCH}; {_EVAL}"),
        (published_section(contended), "medley bench with bf16 and nf4 records it"),
        (other_section(findings), ""),
        (history_section(findings), ""),
    ]


def _with_plots(section: Section, contended: tuple[Field, ...]) -> Section:
    """The section's plots stand before its tables."""
    drawn: list[Block] = []
    for field in contended:
        plots = _PLOTS.get(section.title, ())
        figures = [figure for plot in plots if (figure := plot(field))]
        if figures and field.suite and section.title != ACCURACY:
            drawn.append(Paragraph(f"The plot is of {field.version.reference}, {field.suite}."))
        drawn += figures
    return Section(section.title, (*drawn, *section.blocks))


def _title(records: Records) -> str:
    adapters = sorted({each.adapter for each in records.versions})
    names = ", ".join(adapters) or ", ".join(run.name for run in records.runs)
    return f"Report: {names}"


def _lead(records: Records) -> str:
    newest = records.newest
    at = f"Newest record: {moment(newest)}. " if newest else ""
    return f"{at}Made from records alone."
