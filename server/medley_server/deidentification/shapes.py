"""Details that are known by their own shape: dates, telephone numbers, postcodes and such."""

import re
from collections.abc import Iterator

from medley_server.deidentification.detail import Detail, Kind
from medley_server.deidentification.words import words

_MONTH = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?"
    r"|juli|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)\b\.?"
)
_DAY = r"(?<!\d)(?:0?[1-9]|[12]\d|3[01])"
_NTH = r"(?:st|nd|rd|th|\.)?"
_YEAR = r"(?:18|19|20)\d{2}(?!\d)"
_NO_AMOUNT = r"(?![\d.,/:%]*\d|[ ]?(?:mg|mcg|µg|g|kg|ml|mmol|units?|tab|x|%)\b)"
_DATES = (
    rf"(?<!\d){_YEAR}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])(?!\d)",
    rf"{_DAY}([-/.])(?:0?[1-9]|1[0-2])\1(?:{_YEAR}|\d{{2}}(?![\d.,/]*\d))",
    rf"(?<!\d)(?:0?[1-9]|1[0-2])([-/])(?:0?[1-9]|[12]\d|3[01])\1(?:{_YEAR}|\d{{2}}(?![\d.,/]*\d))",
    rf"{_DAY}{_NTH}[ -]?(?:of )?{_MONTH}(?:,?[ -]?(?:{_YEAR}|'?\d{{2}}(?![\d.,:/]*\d)))?",
    rf"\b{_MONTH}[ -]?{_DAY}{_NTH}\b(?:,?[ -]?{_YEAR}|{_NO_AMOUNT})",
    rf"\b{_MONTH},?[ -]?{_YEAR}",
    rf"(?<![\d/.-])(?:0?[1-9]|1[0-2])[/.]{_YEAR}",
    r"(?<=date)[ :.|]{1,4}\d{1,2}[/.-]\d{1,2}(?![\d/.-]*\d)",
    r"(?:\bDOB|\bborn|\bgeb\.?)[ :.|]{1,4}\d{6,8}(?!\d)",
)
_AGES = (
    r"\b(?:9\d|1[01]\d)[ -]?(?:years?|yrs?|yo\b|y/o|jähr|jahre)[\w-]*",
    r"\b(?:aged?|alter)[ :|]{1,3}(?:9\d|1[01]\d)(?!\d)",
)
_CALLED = r"\b(?:tele?(?:phone|fon)?|phone|ph|fax|mobile?|cell|handy)\b[ .:|#]{0,4}"
_PHONES = (
    rf"{_CALLED}[+(]{{0,2}}(?:\d[ ()/.-]{{0,3}}){{5,15}}\d",
    r"\b(?:ext|bleep|pager)\b[ .:|#]{0,4}\d{3,6}(?![\d.,])",
    r"(?<![\d.])(?:\+?1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[.-]\d{4}(?!\d)",
    r"(?<![\w.])\+\d{1,3}[ .-]?(?:\(0\))?[\d ()/-]{6,16}\d",
    r"(?<![\w.,])0\d{2,4}[ /-]\d{3,4} ?\d{3,4}(?!\d)",
)
_EMAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
_WEB = (
    r"\bhttps?://[^\s|]{3,200}",
    r"\bwww\.[^\s|]{3,200}",
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)",
    r"(?<![\w:])(?:[\da-f]{1,4}:){7}[\da-f]{1,4}(?![\w:])",
)
_IDS = (
    r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",  # US social security
    r"(?<!\d)\d{3}[ -]\d{3}[ -]\d{4}(?![\d-])",  # NHS
    r"#[ ]?\d{5,}",
    r"\b[A-HJ-NPR-Z\d]{8}[\dX][A-HJ-NPR-Z\d]{2}\d{6}\b",  # vehicles
)
_INSENSITIVE = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, patterns in (
        (Kind.DATE, _DATES),
        (Kind.AGE, _AGES),
        (Kind.PHONE, _PHONES),
        (Kind.EMAIL, (_EMAIL,)),
        (Kind.WEB, _WEB),
        (Kind.ID, _IDS),
    )
    for pattern in patterns
)

_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'\u2019-]{0,30}"
_STREET = (
    r"(?i:street|str|road|rd|avenue|ave|drive|lane|ln|boulevard|blvd|court|square|terrace|highway"
    r"|hwy|parkway|pkwy|close|crescent|way|place)\b\.?"
)
_CARE = (
    r"(?:(?i:hospital|infirmary|hospice|medical cent(?:er|re)|health cent(?:er|re)|physicians"
    r"|krankenhaus|nhs (?:foundation )?trust))"
)
_POSTCODE = (
    r"(?:[A-Z]{2},? \d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
    rf"|(?<=\d, )\d{{5}} {_CAPITAL}(?: {_CAPITAL})?)(?!\w)"
)
_PLACES = (
    re.compile(rf"(?<!\w)\d{{1,5}}[A-Za-z]?,? (?:{_CAPITAL} ){{1,4}}{_STREET}"),
    re.compile(rf"(?<!\w){_CAPITAL}(?:straße|strasse|str\.|weg|platz|allee|gasse) \d{{1,4}}[a-z]?"),
    re.compile(rf"(?<!\w)(?:{_CAPITAL}\.? ){{1,4}}{_CARE}(?!\w)(?: (?i:nhs|foundation|trust))*"),
    re.compile(rf"(?<!\w)(?i:klinikum|krankenhaus|hospital of)(?: \|)? {_CAPITAL}(?: {_CAPITAL})?"),
    re.compile(
        rf"(?<=\b(?:liv|sid)es (?:in|at) ){_CAPITAL}(?: {_CAPITAL}){{0,2}}"
        rf"|(?<=\bfrom ){_CAPITAL}(?: {_CAPITAL})?(?=, [A-Z]{{2}}\b)"
    ),
)
_POSTCODES = re.compile(_POSTCODE)
_CELL_END = re.compile(r" \| |\n|\f")
_LONGEST_ADDRESS = 120


def shaped(text: str) -> Iterator[Detail]:
    """The details that are known by their shape; they may overlap."""
    for kind, pattern in _INSENSITIVE:
        for found in pattern.finditer(text):
            yield Detail(found.start(), found.end(), kind)
    for pattern in _PLACES:
        for found in pattern.finditer(text):
            if found.group().split()[0].casefold() not in words("before_care"):
                yield Detail(found.start(), found.end(), Kind.PLACE)
    yield from _addresses(text)


def _addresses(text: str) -> Iterator[Detail]:
    """From the beginning of a cell to the postcode in it."""
    at = 0
    for end in (*(found.start() for found in _CELL_END.finditer(text)), len(text)):
        cell = text[at:end]
        if len(cell) <= _LONGEST_ADDRESS and "," in cell:
            for found in _POSTCODES.finditer(cell):
                start = cell.rfind(":", 0, found.start()) + 1
                start += len(cell[start:]) - len(cell[start:].lstrip(" |\n\f"))
                yield Detail(at + start, at + found.end(), Kind.PLACE)
        at = end
