"""How often a drug is taken."""

import re

from medley_server.normal_forms.normal_form import NormalForm
from medley_server.normal_forms.spelling import plain, spellings

_PRN = re.compile(
    r"[ ,(]*(?:(?:as|if) needed|(?:as|when) required|prn|p\.r\.n\.|b\. ?bed\.|bei bedarf)[ )]*$"
)
_UNITS = {
    "minutes": r"minutes?|mins?|min\.|minuten|m",
    "hours": r"hours?|hourly|hrs?|h|std\.?|stunden",
    "days": r"days?|d|tage|tagen",
    "weeks": r"weeks?|wks?|w|wochen",
}
_EVERY = {
    unit: re.compile(
        rf"(?:(?:every|alle|q|q\.)\s*(\d+)\s*(?:{spelled})|(\d+)\s*(?:{unit.removesuffix('s')}ly|{unit[:-1]}ly))"
    )
    for unit, spelled in _UNITS.items()
}
_SINGLE = {"hours": "every 1 hour", "days": "once daily", "weeks": "once weekly"}
_HOURS = 24


def frequency_of(text: str) -> NormalForm:
    """How often; the words "as needed" beside it do not count here."""
    bare = _PRN.sub("", plain(text)).strip(" ,.") or plain(text)
    known = spellings("frequencies", "frequencies")
    word = known.get(bare) or known.get(bare + ".") or _every(bare)
    return NormalForm(word) if word else NormalForm.printed(text)


def _every(bare: str) -> str | None:
    for unit, pattern in _EVERY.items():
        if found := pattern.fullmatch(bare):
            number = int(found[1] or found[2])
            if number == 1 and unit in _SINGLE:
                return _SINGLE[unit]
            if unit == "days":
                return f"every {number * _HOURS} hours"
            return f"every {number} {unit}" if number else None
    return "every 48 hours" if bare in ("every other day", "qod", "alle 2 tage") else None
