"""Every value of an extraction as the page shows it, in tables and in boxes under one id."""

from dataclasses import dataclass
from html import escape

from medley.commands.values import Trust, Value, values_of
from medley.results import Extraction

from medley_server.page.wording import MATCHES, TRUSTS, confidence_of, titled


@dataclass(frozen=True, slots=True)
class ShownValue:
    """A value, the id of its cell and its box, and what a person calls it."""

    id: str
    label: str
    value: Value

    @property
    def page(self) -> int | None:
        return self.value.found.page

    @property
    def trust(self) -> Trust:
        return self.value.trust


def shown_values(extraction: Extraction, *, side: str = "a") -> dict[str, ShownValue]:
    """By path, in the order of the answer; `side` keeps two extractions' ids apart."""
    return {
        value.path: ShownValue(f"{side}{number}", _label(extraction, value), value)
        for number, value in enumerate(values_of(extraction))
    }


def _label(extraction: Extraction, value: Value) -> str:
    section, _, rest = value.path.partition("[")
    if extraction.record is None or not rest:
        return value.path.removeprefix("/").replace("/", " / ")
    number, _, field = rest.partition("].")
    row = getattr(extraction.record, section)[int(number)]
    if field == "name":
        return f"{titled(section)} {int(number) + 1}, name"
    return f"{row.name.value}, {titled(field).lower()}"


def about(shown: ShownValue, extraction: Extraction) -> str:
    """All that is known of a value, for those who hear it and for those who see it."""
    found = shown.value.found
    rows = [("Printed", found.text if found.text is not None else "nothing of its own")]
    if found.value != found.text:
        rows.append(("Read as", found.value))
    where = f"page {found.page}" if found.page else "no page"
    rows.append(("Found", f"{MATCHES[found.match]}; {where}"))
    rows.append(("Confidence", confidence_of(found)))
    rows.append(("Review", "a person should look at it" if found.review else "not asked for"))
    told = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in rows)
    warned = "".join(
        f"<div class=md-warned><dt>Warning</dt><dd>{escape(text)}</dd></div>"
        for text in _warnings(extraction, shown.value.path)
    )
    head = f"<p class=md-about-name>{escape(shown.label)} <b>{escape(found.value)}</b></p>"
    trust = f"<span class='md-chip md-{shown.trust.name.lower()}'>{TRUSTS[shown.trust]}</span>"
    return (
        f"<div class=md-about id=about-{shown.id} hidden>{head}{trust}<dl>{told}{warned}</dl></div>"
    )


def _warnings(extraction: Extraction, path: str) -> list[str]:
    """Those about the value, and those about its row."""
    row = path.partition("].")[0] + "]"
    return [
        f"{warning.message} ({warning.code})"
        for warning in extraction.warnings
        if warning.path and warning.path in (path, row)
    ]
