"""Details that are known by what stands before them: labels, titles, degrees, heads of columns."""

import re
from collections.abc import Iterator

from medley_server.deidentification.detail import Detail, Kind
from medley_server.deidentification.names import name_at

_PATIENTS = (
    r"patient(?:['\u2019]?s)?(?: name)?|pt(?: name)?|(?:full |patient )?name|patientenname|re"
    r"|regarding|(?:last|first|family|given|middle|maiden|preferred)[ -]?name|surname|forename"
    r"|nachname|vorname|geburtsname|client|next of kin|emergency contact|guardian|carer|insured"
    r"|subscriber"
)
_CLINICIANS = (
    r"attending(?: physician| surgeon)?|(?:(?:referring|ordering|consulting|treating|responsible"
    r"|family|admitting|requesting|primary care) )?(?:physician|provider|doctor|clinician"
    r"|practitioner)|pcp|gp|consultant|(?:first |second |assistant |primary )?surgeon|assistants?"
    r"|an(?:a)?esthe(?:tist|siologist)|cardiologist|radiologist|pathologist|author|pharmacist"
    r"|(?:scrub )?nurse|cc|operateur|assistenz|(?:stations|haus|ober|chef)?arzt|requester|signature"
)
_DOERS = (
    r"(?:dictated|transcribed|signed|verified|reported|reviewed|authori[sz]ed|performed|requested"
    r"|collected|referred|prepared|seen|interpreted|ordered|released|printed|validated) by"
    r"|gez\.|dear|end of report\W{0,6}"
)
_RECORDS = (
    r"m\.?r\.?n\.?|(?:med(?:ical)?|patient) rec(?:ord)?|chart|hosp(?:ital)?|nhs|unit|case|fall"
    r"|patient(?:en)?|pat|account|acct|accession|encounter|visit|admission|csn|fin|policy|plan"
    r"|member|group|insurance|subscriber|versicherten?|health ?(?:plan|card)|medicare|medicaid"
    r"|licen[cs]e|dea|npi|gmc|nmc|lanr|bsnr|serial|device|implant|model|udi|lot|vin|plate|passport"
    r"|ssn|social security|specimen|sample|order|requisition|episode|certificate|registration"
)
_NUMBERED = r"(?:[ .-]?(?:no|nr|number|num|nummer|id|#)\b\.?|[ ]?#)"
_SPLIT = r"[ ]{0,2}(?:[:#|]|\bis\b)?[ ]{0,2}[|#]?[ ]{0,2}"
_NUMBER = r"(?:\d{3} \d{3} \d{4}|(?=[A-Z/-]{0,6}\d)[A-Z\d][A-Z\d/-]{2,30})\b"
_ALONE = r"(?:m\.?r\.?n\.?|ssn|npi|dea|vin|udi|csn|s/n)"
_CELL = r"(?:^|(?<=[|\n\f>(*•-])|(?<=[|>(*•-] )|(?<=  ))"

_ID = re.compile(
    rf"(?<!\w)(?:(?:{_RECORDS}){_NUMBERED}|{_ALONE}(?!\w)){_SPLIT}({_NUMBER})", re.IGNORECASE
)
_LABELLED = (
    (re.compile(rf"{_CELL}(?:{_PATIENTS})[ ]?:[ |]{{0,3}}", re.I | re.M), True),
    (re.compile(rf"{_CELL}(?:patient|pt|pat)[ ]+(?=[^\W\d_]+, ?[^\W\d_])", re.I | re.M), True),
    (re.compile(rf"(?<!\w)(?:{_CLINICIANS})[ ]?:[ |]{{0,3}}", re.I), True),
    (re.compile(rf"(?<!\w)(?:{_DOERS})[ :|]{{0,4}}", re.I), False),
    (re.compile(r"(?<!\w)(?:Dr|DR|Prof|Mr|MR\.|Mrs|MRS|Ms|Miss|Herrn?|Frau|Nurse|Schwester)"
                r"\b[. ]{1,2}(?:med\. )?(?=[^\W\d_])"), False),
    (re.compile(r"(?<!\w)(?:daughter|son|wife|husband|partner|brother|sister|mother|father|neighbour"
                r"|neighbor|friend|carer|caregiver),? (?=[A-ZÀ-ÖØ-Þ][a-zß-ÿ])"), False),
)  # fmt: skip
"""What stands before a name, and whether the given name may come last."""
_PERSON = r"[A-ZÀ-ÖØ-Þ][\w'\u2019-]{1,40}"
_DEGREE = re.compile(
    rf"(?<!\w)(?:{_PERSON} (?:[A-Z]\. )?){{0,2}}{_PERSON}"
    r"(?:,? (?:MD|M\.D\.|PhD|MBBS|MBChB|FRCS|FRCP|FACC|PharmD)|, (?:DO|RN|NP|PA-C|PA|CRNA))(?!\w)"
)
_NAME_HEAD = re.compile(rf"(?:{_PATIENTS}|{_CLINICIANS})[ .:]*", re.I)
_ID_HEAD = re.compile(rf"(?:(?:{_RECORDS}){_NUMBERED}?|{_ALONE})[ .:]*", re.I)
_OTHER_HEAD = re.compile(
    r"(?:dob|d\.o\.b\.|date(?: of birth)?|born|sex|gender|age|room|ward|bed|location|unit)[ .:]*",
    re.I,
)
_LEAST_HEADS = 2


def labelled(text: str) -> Iterator[Detail]:
    """The details that something introduces; they may overlap."""
    for found in _ID.finditer(text):
        yield Detail(*found.span(1), Kind.ID)
    for pattern, may_turn in _LABELLED:
        for found in pattern.finditer(text):
            if (span := name_at(text, found.end(), may_turn=may_turn)) is not None:
                yield Detail(*span, Kind.NAME)
    for found in _DEGREE.finditer(text):
        if (span := name_at(text, found.start(), may_turn=False)) is not None:
            yield Detail(*span, Kind.NAME)
    yield from _in_columns(text)


def _in_columns(text: str) -> Iterator[Detail]:
    """What stands below the heads of columns."""
    above: list[tuple[int, str]] = []
    at = 0
    for line in re.split(r"[\n\f]", text):
        cells = list(_cells(line, at))
        if len(cells) == len(above) and _is_head(above):
            for (_, head), (start, cell) in zip(above, cells, strict=True):
                yield from _below(text, head, start, cell)
        above = cells
        at += len(line) + 1


def _cells(line: str, at: int) -> Iterator[tuple[int, str]]:
    for cell in line.split(" | "):
        yield at, cell
        at += len(cell) + 3


def _is_head(cells: list[tuple[int, str]]) -> bool:
    """Whether it is about people: a head of names, and others that go with it."""
    heads = [cell for _, cell in cells]
    names = sum(_NAME_HEAD.fullmatch(head) is not None for head in heads)
    others = sum((_ID_HEAD.fullmatch(h) or _OTHER_HEAD.fullmatch(h)) is not None for h in heads)
    return names > 0 and names + others >= _LEAST_HEADS


def _below(text: str, head: str, start: int, cell: str) -> Iterator[Detail]:
    if _NAME_HEAD.fullmatch(head):
        if (span := name_at(text, start, may_turn=True)) is not None:
            yield Detail(*span, Kind.NAME)
    elif _ID_HEAD.fullmatch(head) and any(letter.isdigit() for letter in cell):
        yield Detail(start, start + len(cell), Kind.ID)
