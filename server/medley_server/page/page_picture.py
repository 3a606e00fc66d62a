"""A page with boxes over it, as HTML: a picture, and an SVG whose unit is the whole page."""

import base64
from collections.abc import Iterable
from html import escape

from medley.results import PageSummary

from medley_server.page.shown_values import ShownValue
from medley_server.page.wording import SIGNS, TRUSTS

_AIR = 0.003
"""How far a box stands off the letters, as a share of the page."""

_STATES = {
    "blank": "This page is blank.",
    "unreadable": "There is something on this page, and it is not legible.",
    "skipped": "This page was not asked for.",
    "failed": "This page could not be read.",
}


def page_view(
    page: PageSummary, *, of: int, values: Iterable[ShownValue], picture: bytes | None
) -> str:
    """One page and the buttons that turn it.

    Args:
        page: Which.
        of: How many there are.
        values: All values of the document, of one extraction or of two.
        picture: The upright page as JPEG; None where it cannot be drawn.
    """
    here = [one for one in values if one.page == page.n and one.value.found.bbox]
    state = _STATES.get(page.status, "")
    note = f"<p class=md-state>{state} {escape(page.detail or '')}</p>" if state else ""
    return (
        f"<div class=md-page data-page={page.n}>{_turning(page.n, of)}{note}"
        f"<div class=md-sheet {_shape(page)}>{_picture(page, picture)}{_overlay(page, here)}</div>"
        "</div>"
    )


def _turning(number: int, of: int) -> str:
    if of == 1:
        return "<p class=md-turn><span>Page 1 of 1</span></p>"
    options = "".join(
        f"<option value={n}{' selected' if n == number else ''}>{n}</option>"
        for n in range(1, of + 1)
    )
    return (
        "<nav class=md-turn aria-label='Pages of the document'>"
        f"{_button(number - 1, 'Previous page', is_on=number > 1)}"
        f"<label>Page <select data-turn>{options}</select> of {of}</label>"
        f"{_button(number + 1, 'Next page', is_on=number < of)}</nav>"
    )


def _button(to: int, name: str, *, is_on: bool) -> str:
    return f"<button type=button data-turn={to}{'' if is_on else ' disabled'}>{name}</button>"


def _shape(page: PageSummary) -> str:
    return f"style='aspect-ratio:{page.width}/{page.height}'" if page.width and page.height else ""


def _picture(page: PageSummary, picture: bytes | None) -> str:
    if picture is None:
        return "<p class=md-state>The page cannot be shown.</p>"
    data = base64.b64encode(picture).decode()
    return f"<img alt='Page {page.n} of the document' src='data:image/jpeg;base64,{data}'>"


def _overlay(page: PageSummary, values: list[ShownValue]) -> str:
    together: dict[object, list[ShownValue]] = {}
    for one in sorted(values, key=_reading_order):
        same = together.setdefault(_place(one), [])
        if any(other.id[0] == one.id[0] for other in same):  # of one version, two values
            together[one.id] = [one]
        else:
            same.append(one)
    boxes = "".join(
        _box(same, tab=0 if number == 0 else -1) for number, same in enumerate(together.values())
    )
    unread = "".join(
        f"<rect class=md-unread {_sides(*box)}><title>Not legible</title></rect>"
        for box in page.unreadable
    )
    return (
        "<svg viewBox='0 0 1 1' preserveAspectRatio=none role=group "
        f"aria-label='Values read on page {page.n}; arrow keys go from one to the next'>"
        f"{unread}{boxes}</svg>"
    )


def _box(same: list[ShownValue], *, tab: int) -> str:
    """One box; for both versions where both read a value there."""
    first = same[0]
    box = first.value.found.bbox
    assert box is not None
    said = "; ".join(dict.fromkeys(f"{one.label}: {one.value.found.value}" for one in same))
    doubt = f", {TRUSTS[first.trust]}" if SIGNS[first.trust] else ""
    return (
        f"<rect class='md-box md-{first.trust.name.lower()} md-side-{first.id[0]}' "
        f"data-value='{' '.join(one.id for one in same)}' tabindex={tab} role=button "
        f'aria-label="{escape(said + doubt, quote=True)}" '
        f"aria-describedby=about-{first.id} {_sides(*box)}></rect>"
    )


def _place(one: ShownValue) -> tuple[float, ...]:
    return tuple(round(side, 3) for side in one.value.found.bbox or ())


def _sides(x0: float, y0: float, x1: float, y1: float) -> str:
    left, top = max(x0 - _AIR, 0.0), max(y0 - _AIR, 0.0)
    width, height = min(x1 + _AIR, 1.0) - left, min(y1 + _AIR, 1.0) - top
    return f"x='{left:.4f}' y='{top:.4f}' width='{width:.4f}' height='{height:.4f}'"


def _reading_order(one: ShownValue) -> tuple[float, float]:
    box = one.value.found.bbox
    return (round((box[1] + box[3]) / 2, 2), box[0]) if box else (2.0, 0.0)
