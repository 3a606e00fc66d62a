"""The five sites: each writes in its own words, units, dates and layout. One TOML file per site."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from medley_training.documents.lexicon import Vocabulary
from medley_training.errors import RecipeError

STYLES = ("lakeside", "harbor", "brannock", "nordhafen", "ridgeview")
"""The names of the sites."""

Kind = Literal["table", "grid", "ledger", "pairs", "lines", "by_time", "prose"]
UnitSystem = Literal["customary", "si"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(_Frozen):
    """How a page looks; sizes in points."""

    font: Literal["Helvetica", "Times-Roman", "Courier", "Vera"]
    size: float
    letterhead: Literal["banner", "centered", "right", "split", "plain"]
    table: Literal["lines", "boxes", "open", "none"]
    accent: str
    paper: Literal["letter", "A4"]
    footer: str


class Header(_Frozen):
    """The lines about the patient; what is in braces is filled in."""

    lines: tuple[str, ...]
    allergies: str
    signed: str


class Form(_Frozen):
    """How the rows of one list are set; the templates are those of `documents.template`.

    Attributes:
        columns: Of a table or grid: heading, template of a cell, share of the width.
        pair: Of "name: value" lines: the two templates.
        line: Of anything else. The other fields are for rows with that status or assertion.
    """

    kind: Kind
    columns: tuple[tuple[str, str, int], ...] = ()
    pair: tuple[str, str] | None = None
    line: str | None = None
    discontinued: str | None = None
    present: str | None = None
    absent: str | None = None
    possible: str | None = None
    family: str | None = None
    history: str | None = None


class SiteStyle(_Frozen):
    """How one site writes.

    Attributes:
        missing: What stands in the cell of a table for a value that is not known.
        flag_rate: The share of documents in which abnormal results are marked.
        code_rate: The share of documents in which diagnoses have their codes.
    """

    name: str
    hospital: str
    address: str
    vocabulary: Vocabulary
    labs_units: UnitSystem
    vitals_units: UnitSystem
    drug_names: Literal["generic", "mixed"]
    casing: Literal["none", "sentence", "upper"]
    decimal: Literal[".", ","]
    date: str
    time: str
    dose: str
    range: str
    range_below: str
    flag_rate: float = Field(ge=0, le=1)
    code_rate: float = Field(ge=0, le=1)
    missing: str
    page: Page
    header: Header
    titles: Mapping[str, str]
    units: Mapping[str, str]
    flags: Mapping[str, str]
    routes: Mapping[str, str]
    frequencies: Mapping[str, str]
    indications: Mapping[str, str] = {}
    words: Mapping[str, str]
    forms: Mapping[str, Form]
    remarks: Mapping[str, tuple[str, ...]]

    def cased(self, name: str) -> str:
        """A name in the site's capitals."""
        if self.casing == "upper":
            return name.upper()
        first, _, _ = name.partition(" ")
        # "pH" and "aPTT" have capitals of their own.
        if self.casing == "sentence" and first.islower():
            return name[0].upper() + name[1:]
        return name


@cache
def site_style(name: str) -> SiteStyle:
    """The style of a site.

    Raises:
        RecipeError: There is no such site.
    """
    if name not in STYLES:
        raise RecipeError(f"no site style {name!r}; there are {', '.join(STYLES)}")
    text = files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return SiteStyle(name=name, **tomllib.loads(text))
