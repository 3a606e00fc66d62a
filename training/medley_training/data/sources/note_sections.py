"""Sections of clinical notes: one name for each, whatever its header says where it was written."""

import re
from collections.abc import Iterator

_HEADERS = {
    "chief complaint": "cc, chief complaint, pc, presenting complaint, reason for visit",
    "history of present illness": (
        "genhx, history of present illness, hpi, hpc, hx, history, subjective"
    ),
    "past history": (
        "pastmedicalhx, pastsurgical, other_history, gynhx, medical history, surgical history,"
        " past medical history, past surgical history, past history, birth history, pmh, pmhx, psh"
    ),
    "medications": "medications, medication, current medications, dh, dhx, meds",
    "allergies": "allergy, allergies",
    "family and social history": (
        "fam/sochx, social history, family history, sh, shx, fh, fhx, fmh, fmhx"
    ),
    "review of systems": "ros, review of systems, review of symptoms",
    "examination": (
        "exam, physical exam, physical examination, examination, vitals, vitals reviewed, ex, o/e"
    ),
    "results": "results, labs, imaging",
    "assessment and plan": (
        "assessment, plan, assessment and plan, impression, imp, diagnosis, ddx, disposition,"
        " instructions, treatment"
    ),
}
SECTIONS = tuple(sorted(_HEADERS))
_SECTION_OF = {
    header: section for section, headers in _HEADERS.items() for header in headers.split(", ")
}
_HEADER_LINE = re.compile(r"^\s*(?P<header>[A-Za-z_/ ]{2,30}?)\s*(?P<colon>:|$)[ \t]*(?P<rest>.*)$")


def section_named(header: str) -> str | None:
    """The section that a header stands for; None for one that is no section of ours."""
    return _SECTION_OF.get(" ".join(header.split()).casefold().rstrip(":").strip())


def sections_of(note: str) -> Iterator[tuple[str, str]]:
    """The sections of a note and their texts, without headers.

    A header is a line in capitals or one that ends in a colon; text may follow the colon, as in
    ``PMH: asthma``. What comes before the first header, and empty sections, are left out.
    """
    section: str | None = None
    lines: list[str] = []
    # One more header closes the last section.
    for line in (*note.splitlines(), "CC:"):
        found = _HEADER_LINE.match(line)
        named = section_named(found["header"]) if found else None
        if not found or named is None or not (found["colon"] or found["header"].isupper()):
            lines.append(line)
            continue
        text = "\n".join(lines).strip()
        if section is not None and text:
            yield section, text
        section, lines = named, [found["rest"]]
