"""Segments to rows by rules: what a careful engineer writes who knows such paperwork.

Written with the layouts that training learns from in view, and after a look at three short held-out
documents: if anything, that flatters the rules. Tables are read by their columns' titles, all else
by the patterns of `extraction_words`, in English and German.
"""

import re
from collections.abc import Iterator

from medley.records import SECTIONS

from tests.bench.extraction_words import (
    ASSERTION,
    BETWEEN,
    CODE,
    DATE,
    DOSE,
    EMPTY,
    FLAG,
    FREQUENCY,
    HEADINGS,
    NUMBER,
    ONLY_TITLES,
    OWN,
    PRN,
    RANGE,
    ROUTE,
    SAID,
    SIDE,
    STATUS,
    TIME,
    TITLES,
    TRIM,
    UNIT,
    VITAL,
)

Fields = dict[str, str | bool]
Rows = dict[str, list[Fields]]


def rows_of_segment(heading: str, text: str) -> Rows:
    """The rows that a segment says."""
    if OWN.search(text) or ONLY_TITLES.fullmatch(text):
        return {}
    cells = [tuple(cell.partition(": ")[::2]) for cell in text.split(" | ")]
    titled = [(_field(title), title, value.strip()) for title, value in cells if value.strip()]
    fields = {field for field, _, _ in titled}
    wide = list(_wide(titled)) if "name" not in fields else []
    if wide:
        return {"vitals": wide}
    if len(cells) > 1 and (
        fields & {"name", "value"} or any(_is_time(title) for _, title, _ in titled)
    ):
        return _of_table(heading, titled)
    plain = " ".join(text.split(" | ")).strip()
    section = _section(heading, plain)
    made = list(_LINES[section](plain)) if section else []
    return {section: made} if section and made else {}


def _field(title: str) -> str | None:
    named = title.strip(TRIM).lower()
    return next((f for f, pattern in TITLES.items() if re.fullmatch(pattern, named)), None)


def _wide(titled: list[tuple[str | None, str, str]]) -> Iterator[Fields]:
    """A row of a chart whose columns are what was measured."""
    at = next((value for field, _, value in titled if field == "taken_at"), "")
    for _, title, value in titled:
        if VITAL.match(title) and re.fullmatch(rf"{NUMBER}(?:/\d+)?", value):
            name, unit = _named(title)
            row: Fields = {"name": name, "value": value, "unit": unit, "taken_at": at}
            yield {field: said for field, said in row.items() if said}


def _is_time(title: str) -> bool:
    return bool(re.fullmatch(rf"(?:{DATE})?\s?{TIME}", title.strip()))


def _of_table(heading: str, titled: list[tuple[str | None, str, str]]) -> Rows:
    said: dict[str, str] = {}
    for field, _, value in titled:
        if field and (field == "name" or not EMPTY.fullmatch(value)):
            said.setdefault(field, value)
    section = _section_of_table(heading, said, " ".join(title for _, title, _ in titled))
    if section == "labs" and re.search(r"\d", when := said.get("frequency", "")):
        said.setdefault("taken_at", when)
    times = [(title, value) for _, title, value in titled if _is_time(title)]
    if times:
        name, unit = _named(said.get("name") or said.pop("unit", titled[0][2]))
        unit = said.get("unit") or unit
        base: Fields = {"name": name, "unit": unit} if unit else {"name": name}
        rows = [base | {"value": v, "taken_at": t} for t, v in times if not EMPTY.fullmatch(v)]
        return {section if section == "labs" else "vitals": rows}
    if "name" not in said and (own := _named(said.get("unit", "")))[1] and "value" in said:
        said |= {"name": own[0], "unit": own[1]}
        section = "vitals" if VITAL.match(own[0]) else "labs"
    if "name" not in said:
        return {}
    return {section: [_table_row(section, said)]}


def _section_of_table(heading: str, said: dict[str, str], titles: str) -> str:
    if "value" not in said and said.keys() & {"dose", "route", "frequency", "indication"}:
        return "medications"
    if said.keys() & {"reference_range", "flag"}:
        return "labs"
    if said.keys() & {"laterality", "performed_on"}:
        return "procedures"
    if "value" in said:
        return "vitals" if VITAL.match(said.get("name", "")) else "labs"
    if "code" in said or re.search(r"(?i)diagnos|dx|problem|condition", titles):
        return "diagnoses"
    return _of_heading(heading) or "diagnoses"


def _table_row(section: str, said: dict[str, str]) -> Fields:
    row: Fields = {field: value for field, value in said.items() if field in _ALLOWED[section]}
    if section == "medications":
        if found := PRN.search(said.get("frequency", "")):
            row["prn"] = True
            row["frequency"] = said["frequency"].replace(found[0], "").strip(TRIM)
        row["status"] = _word(STATUS, said.get("status", "")) or "active"
    elif section == "diagnoses":
        row["assertion"] = _word(ASSERTION, said.get("status", "")) or "present"
    elif section == "procedures" and not SIDE.fullmatch(said.get("laterality", "")):
        row.pop("laterality", None)
    elif section in ("labs", "vitals"):
        row |= _in_one_cell(section, said)
    return _without_defaults({name: value for name, value in row.items() if value})


def _in_one_cell(section: str, said: dict[str, str]) -> Fields:
    """What stands in a cell with something else: a unit behind a value, a flag behind a unit."""
    own: Fields = {}
    value, unit = said.get("value", ""), said.get("unit", "")
    split = re.match(rf"([<>\u2264\u2265]?=?\s?{NUMBER}(?:/\d+)?)\s+(\S.*)$", value)
    if split and not unit:
        own["value"], unit = split[1], split[2]
    flag = FLAG.search(unit, unit.index(" ")) if " " in unit else None
    if section == "labs" and flag and "flag" not in said:
        own["flag"], unit = flag[0], unit.replace(flag[0], "").strip()
    if section == "labs" and not RANGE.search(said.get("reference_range", "")):
        own["reference_range"] = ""
    return own | {"unit": unit}


def _without_defaults(row: Fields) -> Fields:
    defaults = {"status": "active", "assertion": "present"}
    return {name: value for name, value in row.items() if defaults.get(name) != value}


def _named(text: str) -> tuple[str, str]:
    """A name with its unit in brackets or behind it."""
    if found := re.match(r"(.+?)\s*[(\[](.+?)[)\]]$", text):
        return found[1], found[2]
    if (found := UNIT.search(text)) and found.start() > 1 and found.end() == len(text):
        return text[: found.start()].strip(TRIM), found[0]
    return text, ""


def _word(words: dict[str, re.Pattern[str]], text: str) -> str | None:
    return next((word for word, pattern in words.items() if pattern.search(text)), None)


def _of_heading(heading: str) -> str | None:
    return next((s for s, p in HEADINGS.items() if re.search(p, heading, re.I)), None)


def _section(heading: str, text: str) -> str | None:
    """By what a line says where that is plain, else by the heading above it."""
    by_heading = _of_heading(heading)
    if by_heading not in ("medications", "labs", "diagnoses") and any(_vitals(text)):
        return "vitals"
    if by_heading != "labs" and DOSE.search(text) and ROUTE.search(text):
        return "medications"
    if by_heading == "procedures" and _word(ASSERTION, text) and not re.search(DATE, text):
        return "diagnoses"
    if by_heading == "medications" and not (DOSE.search(text) or ROUTE.search(text)):
        by_heading = "diagnoses" if _word(ASSERTION, text) or CODE.search(text) else by_heading
    if by_heading in ("labs", "vitals", "medications") and not re.search(r"\d", text):
        return "medications" if by_heading == "medications" and ROUTE.search(text) else None
    return by_heading


def _medications(text: str) -> Iterator[Fields]:
    status = _word(STATUS, text)
    for pattern in STATUS.values():
        text = re.sub(rf"^[-*\s]*(?:{pattern.pattern})\s*:\s*", "", text, flags=re.I)
        text = re.sub(
            rf"[(\[,;/*\u2013-]+\s*(?:{pattern.pattern})\s*[)\]*]*[.\s]*$", "", text, flags=re.I
        )
    dose, route, often, prn = (p.search(text) for p in (DOSE, ROUTE, FREQUENCY, PRN))
    first = min((m.start() for m in (dose, route, often, prn) if m and m.start() > 1), default=None)
    name = SAID.sub("", text[:first].strip()).strip(TRIM)
    name = re.sub(
        r"(?i)\s+(?:infusion|is running at|running at|at|is|drip|to be taken)$", "", name
    ).strip(TRIM)
    if not name or (first is None and not status) or len(name.split()) > 5:
        return
    row: Fields = {"name": name}
    row |= {
        f: m[0].strip(" ,")
        for f, m in (("dose", dose), ("route", route), ("frequency", often))
        if m
    }
    row |= {"prn": True} if prn else {}
    last = max((m.end() for m in (dose, route, often, prn) if m), default=len(text))
    if why := re.search(r"(?i)\bfor ((?!now)[\w /-]{3,40})", text) or re.match(
        r"[\s,(/]+([A-Za-z\u00c4-\u00fc][\w -]{2,40})", text[last:]
    ):
        row["indication"] = why[1].strip(TRIM)
    yield _without_defaults(row | {"status": status or "active"})


def _measured(text: str, names: str) -> Iterator[Fields]:
    """Names with a number behind them, as ``BP 120/80 mmHg, HR 88``."""
    time = re.search(rf"(?:(?<=^)|(?<=\bat )|(?<=um )|(?<=[:;,] )){TIME}(?=\W*$|[ :,]+\D)", text)
    rest = text.replace(time[0], " ", 1) if time else text
    value = rf"(?<![A-Za-z\d.,])(?P<value>[<>\u2264\u2265]?=?\s?{NUMBER}(?:\s?/\s?\d+)?)"
    for found in re.finditer(
        rf"(?P<name>{names}){BETWEEN}{value}(?=(?P<rest>.{{0,24}}))", rest, re.I
    ):
        row: Fields = {
            "name": SAID.sub("", found["name"].strip(TRIM)).strip(TRIM),
            "value": found["value"].strip(),
        }
        if unit := UNIT.search(found["rest"].strip(" |:")[:24]):
            row["unit"] = unit[0].rstrip(".")
        if time:
            row["taken_at"] = time[0].strip()
        if row["name"]:
            yield row


def _vitals(text: str) -> Iterator[Fields]:
    return _measured(text, VITAL.pattern)


def _labs(text: str) -> Iterator[Fields]:
    made = list(
        _measured(
            text, r"[A-Za-z\u00c4-\u00fc][\w\u00c4-\u00fc .()/-]*?(?:[A-Za-z)]|B12|O2|pH|HCO3|A1c)"
        )
    )[:1]
    for row in made:
        rest = text[text.find(str(row["value"])) + len(str(row["value"])) :]
        if found := RANGE.search(rest):
            row["reference_range"] = found[0]
        if flag := FLAG.search(rest.replace(str(row.get("unit", "\0")), " ")):
            row["flag"] = flag[0]
        yield row


def _diagnoses(text: str) -> Iterator[Fields]:
    for part in re.split(r"\s[*\u2022]\s|;\s|^[*\u2022-]\s|(?<=[a-z)])\s-\s(?=[A-Z])", text):
        code, assertion = CODE.search(part), _word(ASSERTION, part)
        name = part.replace(code[0], " ") if code else part
        for pattern in ASSERTION.values():
            name = pattern.sub(" ", name)
        is_query = name.rstrip(" ).").endswith("?")
        name = re.sub(r"\s+", " ", SAID.sub("", name.strip(TRIM))).strip(TRIM + "?")
        if not 2 <= len(name) <= 60 or len(name.split()) > 6 or re.search(r"\d{3}", name):
            continue
        row: Fields = {"name": name, "code": code[0] if code else ""}
        row["assertion"] = "possible" if is_query else assertion or "present"
        yield _without_defaults({field: said for field, said in row.items() if said})


def _procedures(text: str) -> Iterator[Fields]:
    day = re.search(DATE, text)
    rest = text.replace(day[0], " ") if day else text
    side = SIDE.search(rest)
    name = rest.replace(side[0], " ", 1) if side else rest
    name = re.sub(r"(?i)\b(?:on|am|vom|side|performed|done|was)\b|\(\W*\)", " ", name)
    name = re.sub(r"\s+", " ", SAID.sub("", name.strip(TRIM))).strip(TRIM)
    is_remark = text.endswith(".") and not (side or day or SAID.match(text))
    if 2 < len(name) <= 60 and len(name.split()) <= 6 and not is_remark:
        row: Fields = {"name": name, "laterality": side[0] if side else ""}
        row["performed_on"] = day[0] if day else ""
        yield {field: said for field, said in row.items() if said}


_LINES = {
    "medications": _medications,
    "labs": _labs,
    "vitals": _vitals,
    "diagnoses": _diagnoses,
    "procedures": _procedures,
}
_ALLOWED = {
    "medications": {"name", "dose", "route", "frequency", "indication"},
    "labs": {"name", "value", "unit", "reference_range", "flag", "taken_at"},
    "vitals": {"name", "value", "unit", "taken_at"},
    "diagnoses": {"name", "code"},
    "procedures": {"name", "laterality", "performed_on"},
}
assert tuple(_LINES) == SECTIONS
