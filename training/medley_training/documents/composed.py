"""Forms that nobody wrote down: put together from parts, a new one for every document.

A model that has seen eight ways to print a medication learns eight. Of ways that are composed it
sees none twice, and what they have in common is what it is to learn. The parts are in
``styles/parts.toml``; what extraction is measured by (the pool ``away``) is in none of them.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from medley_training.documents.styles import Form, Header, SiteStyle

Columns = tuple[str, ...]

_LINES: Mapping[str, Sequence[Sequence[str]]] = {
    "medications": (("dose", "route", "frequency", "prn"), ("indication", "status")),
    "infusions": (("dose", "route", "frequency"),),
    "labs": (("value", "unit"), ("flag", "reference_range", "taken_at")),
    "vitals": (("value", "unit"), ("taken_at",)),
    "procedures": (("laterality", "performed_on"),),
}
"""The fields behind the name, in groups that keep their order."""
_FIXED = frozenset({("value", "unit")})
_REQUIRED = frozenset({"value"})
_LIKE = {"infusions": "medications", "vitals": "labs"}
_AWAY_RANGE = ("[", (";", "; "))
_AS_IT_IS = 0.3


def composed_titles(random: Random) -> dict[str, str]:
    """What the lists are headed with, and the words for a value and a time."""
    return {name: _cased(random.choice(all_), random) for name, all_ in _parts()["titles"].items()}


def composed_columns(section: str, random: Random) -> Columns:
    """The title of each column of a table of that section."""
    return tuple(_cased(random.choice(all_), random) for all_ in _parts()["columns"][section])


def composed_line(section: str, random: Random) -> str:
    """A template of one row as a line."""
    parts = _parts()[_LIKE.get(section, section)]
    template = _begin(section, random) + "{name}"
    for group in _LINES[section]:
        fields = list(group)
        if group not in _FIXED:
            random.shuffle(fields)
        for field in fields:
            part = random.choice(parts[field])
            template += part if field in _REQUIRED else f"[{part}]"
    return template + random.choice(("", "", ".", ";"))


def composed_diagnoses(random: Random) -> dict[str, str]:
    """A template for each assertion."""
    parts = _parts()["diagnoses"]
    begin, code = random.choice(_parts()["begin"]["any"]), random.choice(parts["code"])
    return {
        assertion: begin + random.choice(parts[assertion]) + ("" if assertion == "family" else code)
        for assertion in ("present", "absent", "possible", "family", "history")
    }


def composed_figures(random: Random) -> dict[str, str]:
    """How ranges are written, and what stands for what is missing."""
    parts = _parts()["range"]
    before, behind = random.choice(parts["around"])
    between = random.choice(parts["between"])
    if before == _AWAY_RANGE[0] and between in _AWAY_RANGE[1]:
        between = "-"
    return {
        "range": f"{before}{{low}}{between}{{high}}{behind}",
        "range_below": random.choice(parts["below"]),
        "missing": random.choice(_parts()["words"]["missing"]),
    }


def composed_flags(random: Random) -> dict[str, str]:
    """The marks of abnormal results; the critical ones are the others, doubled or made stronger."""
    flags = _parts()["flags"]
    index = random.randrange(len(flags["high"]))
    high, low = flags["high"][index], flags["low"][index]
    stronger: Callable[[str], str] = random.choice(
        (lambda flag: flag * 2, lambda flag: f"{flag}!", lambda flag: f"critical {flag}")
    )
    return {
        "high": high,
        "low": low,
        "critical_high": stronger(high),
        "critical_low": stronger(low),
    }


def composed_words(random: Random) -> dict[str, str]:
    """A word for each status, assertion and side."""
    words = _parts()["words"]
    return {name: random.choice(all_) for name, all_ in words.items() if name != "missing"}


def composed_head(style: SiteStyle, random: Random) -> dict[str, Any]:
    """What stands around the record and says nothing that is asked for."""
    head = _parts()["head"]
    lines = tuple(random.sample(head["lines"], random.randint(1, 4)))
    header = Header(
        lines=lines,
        allergies=random.choice(head["allergies"]),
        signed=random.choice(head["signed"]),
    )
    remarks = {
        kind: tuple(random.sample(head["remarks"], random.randint(1, 4))) for kind in style.remarks
    }
    footer = random.choice(head["footer"])
    return {"header": header, "remarks": remarks, "footer": footer}


def composed_form(section: str, random: Random) -> Form:
    """One line per row; tables are drawn by who knows their columns."""
    if section == "diagnoses":
        return Form(kind="lines").model_copy(update=composed_diagnoses(random))
    return Form(kind="lines", line=composed_line(section, random))


def _begin(section: str, random: Random) -> str:
    begin = _parts()["begin"]
    return str(random.choice((*begin["any"], *begin[section])))


def _cased(text: str, random: Random) -> str:
    """As it is, or in the capitals of a form."""
    if random.random() < _AS_IT_IS:
        return random.choice((text.upper(), text.lower(), f"{text}:" if text else text))
    return text


@cache
def _parts() -> Mapping[str, Any]:
    text = files("medley_training.documents.styles").joinpath("parts.toml").read_text("utf-8")
    return tomllib.loads(text)
