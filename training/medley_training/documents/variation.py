"""Other ways in which a site might write: the same page with other titles, forms and words.

A model that has seen five sites learns five forms. Varied sites keep a site's language, letterhead
and units and draw the rest, so that what is learnt is how to read.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from random import Random
from typing import Any, Literal

from medley_training.documents.composed import (
    composed_columns,
    composed_figures,
    composed_flags,
    composed_form,
    composed_head,
    composed_titles,
    composed_words,
)
from medley_training.documents.styles import Form, Kind, Page, SiteStyle, site_style
from medley_training.errors import RecipeError

Pool = Literal["home", "away"]
"""``home`` is drawn from for training, ``away`` for evaluation; they have nothing in common."""

Column = tuple[str, str, int]
_VARIATION = re.compile(r"(home|mixed|away)\d+")
_CHANGED = {"home": 0.65, "away": 1.0}
_MIXED = 0.8
_SECTIONS = ("medications", "infusions", "labs", "vitals", "diagnoses", "procedures")
_FIELDS: Mapping[str, Sequence[str]] = {
    "medications": (
        "{name}", "{dose}", "{route}", "{frequency}[ {prn}]", "{indication}", "{status}",
    ),
    "labs": ("{name}", "{value}", "{unit}", "{reference_range}", "{flag}", "{taken_at}"),
    "vitals": ("{name}", "{unit}"),
    "diagnoses": ("{name}", "{code}", "{assertion}"),
    "procedures": ("{name}", "{laterality}", "{performed_on}"),
}  # fmt: skip
_WIDTHS = {"{name}": 30, "{dose}": 16, "{frequency}[ {prn}]": 18, "{indication}": 18}
_WIDTH = 12
_FONTS = ("Helvetica", "Times-Roman", "Courier", "Vera")
_TABLES = ("lines", "boxes", "open", "none")


@lru_cache(maxsize=1024)
def style_of(name: str) -> SiteStyle:
    """The style of a site or of a variation of it.

    Args:
        name: A site, such as ``harbor``; or ``harbor~home7``, ``harbor~away7``; or
            ``harbor~mixed7``, composed of parts, for training.

    Raises:
        RecipeError: There is no such site or variation.
    """
    site, mark, variation = name.partition("~")
    style = site_style(site)
    if not mark:
        return style
    if not _VARIATION.fullmatch(variation):
        raise RecipeError(f"no variation {name!r}; such as {site}~home7 or {site}~away7")
    random = Random(name)  # noqa: S311 - made-up data, not a secret
    if variation.startswith("mixed"):
        return mixed(style, random).model_copy(update={"name": name})
    pool: Pool = "home" if variation.startswith("home") else "away"
    return varied(style, random, pool).model_copy(update={"name": name})


def varied(style: SiteStyle, random: Random, pool: Pool) -> SiteStyle:
    """A site that writes otherwise; the same state of `random` gives the same one."""
    drawn = _pools()[pool]

    def changes() -> bool:
        return random.random() < _CHANGED[pool]

    titles = {"time": "Time", "value": "Value"} | dict(style.titles)
    titles |= {name: random.choice(all_) for name, all_ in drawn["titles"].items() if changes()}
    figures = {name: random.choice(all_) for name, all_ in drawn["figures"].items() if changes()}
    forms = dict(style.forms)
    for name in _SECTIONS:
        if changes():
            forms[name] = _form(name, drawn, random)
    changed = figures | {
        "titles": titles,
        "forms": _without_stale(forms, style.forms),
        "flags": random.choice(drawn["flags"]) if changes() else style.flags,
        "words": dict(style.words) | (random.choice(drawn["words"]) if changes() else {}),
        "page": _page(style.page, random),
    }
    return style.model_copy(update=changed)


def mixed(style: SiteStyle, random: Random) -> SiteStyle:
    """A site whose forms are composed of parts, and else are as in the pool for training."""
    style = varied(style, random, "home")
    forms = {section: style.forms[section] for section in _SECTIONS}
    for section in _SECTIONS:
        if random.random() < _MIXED:
            forms[section] = _mixed_form(section, random)
    head = composed_head(style, random)
    changed = composed_figures(random) | {
        "titles": dict(style.titles) | composed_titles(random),
        "forms": _without_stale(dict(style.forms) | forms, style.forms),
        "flags": composed_flags(random),
        "words": dict(style.words) | composed_words(random),
        "header": head["header"],
        "remarks": head["remarks"],
        "page": style.page.model_copy(update={"footer": head["footer"]}),
    }
    return style.model_copy(update=changed)


def _without_stale(forms: dict[str, Form], before: Mapping[str, Form]) -> dict[str, Form]:
    """The forms without the special ones of a list that is now set otherwise."""
    stale = {
        special
        for section, special in (("medications", "theatre"), ("vitals", "chart"))
        if forms[section] is not before[section]
    }
    return {name: form for name, form in forms.items() if name not in stale}


def _mixed_form(section: str, random: Random) -> Form:
    columns = "medications" if section == "infusions" else section
    if section == "vitals" and random.random() < 0.5:
        return Form(kind="grid", columns=_as_columns(section, composed_columns(section, random)))
    if section != "vitals" and random.random() < 0.5:
        fields = _as_columns(columns, composed_columns(columns, random))
        return Form(kind="table", columns=_in_some_order(fields, random))
    return composed_form(section, random)


def _page(page: Page, random: Random) -> Page:
    size = random.choice((8.5, 9.0, 9.5, 10.0, 10.5))
    font, table = random.choice(_FONTS), random.choice(_TABLES)
    return page.model_copy(update={"font": font, "size": size, "table": table})


def _form(section: str, drawn: Mapping[str, Any], random: Random) -> Form:
    """One of the forms that the rows of a list can be set in."""
    columns = "medications" if section == "infusions" else section
    kinds: Mapping[str, tuple[Kind, ...]] = {
        "infusions": ("lines", "table"),
        "vitals": ("grid", "lines", "prose", "ledger", "by_time"),
        "diagnoses": ("table", "lines", "prose"),
    }
    kind: Kind = random.choice(kinds.get(section, ("table", "table", "lines", "prose")))
    if kind in ("table", "grid"):
        return Form(kind=kind, columns=_columns(columns, drawn, random))
    if kind == "ledger":
        return Form(kind="ledger", pair=("{name}[ ({unit})]", "{value}"))
    if section == "diagnoses":
        return Form(kind=kind, **random.choice(drawn["diagnoses"]))
    line = random.choice(drawn["lines"][section])
    if kind == "prose" and not line.endswith("."):
        kind = "lines"
    return Form(kind=kind, line=line)


def _columns(section: str, drawn: Mapping[str, Any], random: Random) -> tuple[Column, ...]:
    """Columns in some order, the name first most of the time."""
    columns = _as_columns(section, random.choice(drawn["columns"][section]))
    return _in_some_order(columns, random, is_grid=section == "vitals")


def _as_columns(section: str, titles: Sequence[str]) -> tuple[Column, ...]:
    return tuple(
        (title, field, _WIDTHS.get(field, _WIDTH))
        for title, field in zip(titles, _FIELDS[section], strict=True)
    )


def _in_some_order(
    columns: Sequence[Column], random: Random, *, is_grid: bool = False
) -> tuple[Column, ...]:
    """The name first most of the time; in a grid, whose times come behind, always."""
    first, *rest = columns
    if not is_grid:
        random.shuffle(rest)
    if random.random() < 0.1 and not is_grid:
        return (*rest[:1], first, *rest[1:])
    return (first, *rest)


@cache
def _pools() -> Mapping[str, Any]:
    text = files("medley_training.documents.styles").joinpath("pools.toml").read_text("utf-8")
    return tomllib.loads(text)
