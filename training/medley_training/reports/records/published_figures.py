"""What was published of NF4 elsewhere, beside what was measured here. It is cited, not compared."""

from collections.abc import Sequence

from medley_registry import VariantKind

from medley_training.reports.records.contender import Field
from medley_training.reports.records.content import Bullets, Section
from medley_training.reports.records.quantities import change_of, change_text

TITLE = "Published figures"
MEMORY, LATENCY = -0.642, -0.51
"""Of VRAM and of latency, NF4 against fp16 with transformers, in the older reports."""


def published_section(fields: Sequence[Field]) -> Section:
    """A line for each version and environment in which NF4 stands beside bf16."""
    lines = [line for field in fields if (line := _line(field))]
    return Section(TITLE, (Bullets(tuple(lines)),) if lines else ())


def _line(field: Field) -> str:
    rows = {c.variant: c.row for c in field.contenders if c.row}
    nf4, bf16 = rows.get(VariantKind.NF4), rows.get(VariantKind.BF16)
    if nf4 is None or bf16 is None:
        return ""
    told = {
        "weights": change_of(nf4.memory_mb.weights, bf16.memory_mb.weights),
        "memory in all": change_of(nf4.memory_mb.total, bf16.memory_mb.total),
        "end to end at p50": change_of(nf4.latency_ms.p50, bf16.latency_ms.p50),
    }
    here = ", ".join(f"{name} {change_text(of)}" for name, of in told.items() if of is not None)
    return (
        f"Cited from older reports, NF4 against fp16 with transformers on other hardware: VRAM "
        f"{_cited(MEMORY)}, latency {_cited(LATENCY)}. "
        f"Measured for {field.title}, nf4 against bf16: {here or 'nothing of these'}."
    )


def _cited(share: float) -> str:
    """With the digits that were published."""
    return f"\N{MINUS SIGN}{-100 * share:g} %"
