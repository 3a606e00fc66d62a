"""The values of an extraction as tables that can be edited, one for each kind of row."""

from collections.abc import Iterator
from html import escape

from medley.records import SECTIONS
from medley.results import Extraction, Found

from medley_server.page.shown_values import ShownValue, about, shown_values
from medley_server.page.wording import SIGNS, TRUSTS, titled


def values_table(extraction: Extraction) -> str:
    """All of them; `` says so where there are none."""
    shown = shown_values(extraction)
    if not shown:
        return "<p class=md-state>No value was read.</p>"
    told = "".join(about(one, extraction) for one in shown.values())
    tables = _data(shown) if extraction.record is None else _record(extraction, shown)
    return f"<div class=md-values>{''.join(tables)}{told}</div>"


def _record(extraction: Extraction, shown: dict[str, ShownValue]) -> Iterator[str]:
    for section in SECTIONS:
        rows = getattr(extraction.record, section)
        fields = [
            field
            for field in (type(rows[0]).model_fields if rows else ())
            if any(isinstance(getattr(row, field), Found) for row in rows)
        ]
        if not fields:
            continue
        body = "".join(
            "<tr>"
            + "".join(_cell(shown.get(f"{section}[{n}].{field}")) for field in fields)
            + "</tr>"
            for n in range(len(rows))
        )
        head = "".join(f"<th scope=col>{titled(field)}</th>" for field in fields)
        yield _section(section, len(rows), f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")


def _data(shown: dict[str, ShownValue]) -> Iterator[str]:
    body = "".join(
        f"<tr><th scope=row>{escape(one.label)}</th>{_cell(one)}</tr>" for one in shown.values()
    )
    head = "<thead><tr><th scope=col>Field</th><th scope=col>Value</th></tr></thead>"
    yield _section("data", len(shown), f"{head}<tbody>{body}</tbody>")


def _section(name: str, count: int, table: str) -> str:
    return (
        f"<section class=md-section aria-labelledby=md-{name}><h3 id=md-{name}>{titled(name)} "
        f"<small>{count}</small></h3><div class=md-scroll><table>{table}</table></div></section>"
    )


def _cell(one: ShownValue | None) -> str:
    if one is None:
        return "<td class=md-none><span class=md-out>not said</span></td>"
    value = escape(one.value.found.value, quote=True)
    size = min(max(len(one.value.found.value), 2), 28)
    return (
        f"<td class='md-cell md-{one.trust.name.lower()}' data-value={one.id} "
        f"data-page={one.page or ''}>"
        f'<input type=text size={size} value="{value}" data-path="{escape(one.value.path)}" '
        f'aria-label="{escape(one.label, quote=True)}" aria-describedby=about-{one.id} '
        f"autocomplete=off spellcheck=false>{sign(one)}</td>"
    )


def sign(one: ShownValue) -> str:
    """What says without colour how far a value is to be trusted."""
    if not SIGNS[one.trust]:
        return ""
    trust = TRUSTS[one.trust]
    return f"<abbr class=md-sign title='{trust}' aria-hidden=true>{SIGNS[one.trust]}</abbr>"
