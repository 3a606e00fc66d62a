"""What is said above the values: what was read, by which version, and what to look at."""

from html import escape

from medley.commands.values import Trust, values_of
from medley.results import Extraction, ExtractionStatus, ExtractionWarning

from medley_server.page.wording import titled

_STATUSES = {
    ExtractionStatus.SUCCEEDED: ("ok", "All pages read"),
    ExtractionStatus.PARTIAL: ("warn", "Read in part"),
    ExtractionStatus.FAILED: ("bad", "Not read"),
}
_MOST_TOLD = 50


def summary(extraction: Extraction) -> str:
    """One extraction in a few lines, its warnings folded away."""
    document, model = extraction.document, extraction.model
    kind, said = _STATUSES[extraction.status]
    to_review = sum(value.trust is Trust.REVIEW for value in values_of(extraction))
    facts = {
        "Document": titled(document.type),
        "Pages": f"{document.pages_processed} of {document.pages_in}",
        "Read by": model.adapter or f"{model.base} (no adapter)",
        "To review": str(to_review),
        "Time": f"{extraction.usage.latency_ms / 1000:.1f} s",
    }
    rows = "".join(
        f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts.items()
    )
    return (
        f"<div class=md-summary><p class='md-status md-{kind}'>{said}</p><dl>{rows}</dl>"
        f"{_told('Warnings', [_warning(one) for one in extraction.warnings])}"
        f"{_told('Asked for and not found', list(extraction.not_found))}"
        f"{_told('Seen and not legible', list(extraction.unreadable))}</div>"
    )


def _warning(warning: ExtractionWarning) -> str:
    path = f"{warning.path}: " if warning.path else ""
    return f"{path}{warning.message} ({warning.code})"


def _told(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines[:_MOST_TOLD])
    if len(lines) > _MOST_TOLD:
        items += f"<li>and {len(lines) - _MOST_TOLD} more, in the JSON</li>"
    return f"<details><summary>{title} ({len(lines)})</summary><ul>{items}</ul></details>"
