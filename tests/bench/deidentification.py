"""How much of people's details is found: ``python -m tests.bench.deidentification``.

First in generated documents in layouts that no recipe learns from, whose heads are the sites' own
five; then in heads and sentences that the rules were not made from (other labels, names and
orders), where nothing introduces some of the names. Recall counts each place where a detail stands;
precision is the share of masked characters that are part of a detail.
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

from medley.records import DocumentType
from medley.segments import page_text
from medley_server.deidentification import Detail, Kind, details_in
from medley_training.documents.case import Case
from medley_training.documents.document import Document, generate
from medley_training.documents.drawing import draw_case
from medley_training.documents.figures import printed_date
from medley_training.documents.lexicon import compact_lexicon
from medley_training.documents.segmented import printed_pages
from medley_training.documents.styles import STYLES, SiteStyle
from medley_training.documents.variation import style_of

Mark = tuple[int, int, str]
"""From where to where which detail stands."""

_TELEPHONE = re.compile(r"(?<=Tel\. )[\d -]{6,}\d")
_MARKED = re.compile(r"\{(?P<kind>\w+):(?P<text>[^{}]+)\}")

HEADS = """\
{place:Saint Alban's Memorial Hospital}
{place:9 Quarry Lane, Dunmore, PA 18512} | \
Phone: {phone:(570) 555-0143} | Fax: {phone:570-555-0144}
DISCHARGE SUMMARY

PATIENT NAME: {name:TREMBLAY, YVETTE M}
MEDICAL RECORD NO: {id:00-48-12-77}
DATE OF BIRTH: {date:11/02/1949}
ATTENDING: {name:R. Okonkwo}, MD

Last name | First name | DOB | Account #
{name:Szymański} | {name:Zofia} | {date:3 Mar 71} | {id:AC-99812}

Patient: {name:Ngozi Eze-Williams} ({date:07.12.1988}), NHS No: {id:943 476 5919}

Requesting physician: Dr {name:Hallvard Bø} | Collected: {date:2021-07-30} 08:15
Accession No. {id:L2107300815}

Herrn {name:Detlef Kranzbühler}, geb. {date:01.04.1938}, \
wohnhaft {place:Lindenstraße 14, 04109 Leipzig}

Mrs {name:Agatha Pennyworth} | {place:22 Mill Road, Cambridge CB1 2AD} | Mobile \
{phone:07700 900461} | {email:a.pennyworth@example.org}

Next of kin: {name:Bartholomew Pennyworth} (son) | Tel: {phone:01223 496 0117}

Insurance: Medicare | Member ID: {id:1EG4-TE5-MK72} | Group no: {id:55120}

Reported by: {name:Kwabena Mensah}, MBChB | GMC no. {id:7512934} | {date:Feb 9, 2022}

cc: Dr {name:Ifeoma Balogun}, {place:14 Station Road, Harwich CO12 3HB}

Device serial no: {id:PM-88213-X}, implanted {date:14 June 2019} by Dr. {name:Toivonen}

SSN: {id:078-05-1120} | Driver's license no. {id:D4471902} | \
Portal {web:https://portal.example.org/p/8812}

The patient is a {age:93-year-old} woman living at {place:7 Orchard Close}.

Name | Ward | MRN
{name:Quispe, Rosalía} | 4B | {id:7718203}
"""
SENTENCES = """\
Mr. {name:Thorvaldsen} was admitted on {date:March 3} with chest pain. {name:Thorvaldsen} \
denied fever.
Her daughter {name:Philippa} manages the pill box and can be reached at {phone:555-201-4477}.
Discussed with Dr. {name:Abernathy} who agrees; {name:Abernathy} will follow up on {date:12/05/23}.
Brought in by his neighbour, {name:Leopold Dietrich}, after a fall at home in {place:Wolverhampton}.
Transferred from {place:Mercy General Hospital} on {date:2022-03-11} by Dr {name:S. Iyer}.
This {age:91 y/o} retired teacher from {place:Galway} \
was seen with her husband {name:Cormac}.
I spoke to Sister {name:Oyelaran} on the ward and to Nurse {name:Whitcombe}.
Seen in clinic with {name:Tomasz}, who interpreted. Referred by {name:Helena Novotná}.
"""
OTHERS = {"other heads": HEADS.split("\n\n"), "running text": SENTENCES.splitlines()}
"""Made-up people; what is to be found stands in braces with its kind."""


def generated(count: int, seed: int) -> Iterator[tuple[str, list[Mark]]]:
    """Full documents of each site as their text is given out, with what is to be found."""
    for number in range(count):
        for shift, site in enumerate(STYLES):
            kind = list(DocumentType)[(number + shift) % len(DocumentType)]
            document = generate(
                seed, document_type=kind, style=f"{site}~away{number}", number=number, length="full"
            )
            text = "\f".join(page_text(page) for page in printed_pages(document)[0])
            yield text, list(_marks(text, document, seed))


def _marks(text: str, document: Document, seed: int) -> Iterator[Mark]:
    style = style_of(document.style)
    random = Random(f"{seed} {document.name}")
    case = draw_case(document.document_type, "full", compact_lexicon(), random)
    for kind, said in _said(case, style):
        spaced = re.escape(said).replace(r"\ ", r"\s(?:\| )?")
        for found in re.finditer(rf"(?<![\w.]){spaced}(?!\w)", text, re.IGNORECASE):
            yield found.start(), found.end(), kind
    for found in _TELEPHONE.finditer(text):
        yield found.start(), found.end(), "phone"


def _said(case: Case, style: SiteStyle) -> Iterator[tuple[str, str]]:
    yield "name, patient", case.patient.surname
    yield "name, patient", case.patient.given
    yield "name, clinician", case.author
    yield "id", case.patient.mrn
    yield "date of birth", printed_date(case.patient.born, style)
    for day in {case.written.date(), *(one.performed_on for one in case.procedures)}:
        if day is not None:
            yield "date, other", printed_date(day, style)
    yield "place, hospital", style.hospital
    address = style.address.partition("    ")[0]
    if "," in address:
        yield "place, address", address


def written(texts: list[str]) -> Iterator[tuple[str, list[Mark]]]:
    """The texts without their braces, with what stood in them."""
    for text in texts:
        marks: list[Mark] = []
        plain, at = "", 0
        for found in _MARKED.finditer(text):
            plain += text[at : found.start()]
            marks.append((len(plain), len(plain) + len(found["text"]), found["kind"]))
            plain += found["text"]
            at = found.end()
        yield plain + text[at:], marks


class Tally:
    """What was found of what stands there."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.missed: list[str] = []
        self.masked = self.rightly = self.letters = 0
        self.seconds = 0.0

    def add(self, text: str, marks: list[Mark]) -> None:
        started = time.perf_counter()
        details = details_in(text)
        self.seconds += time.perf_counter() - started
        self.letters += len(text)
        hidden = {n for detail in details for n in range(detail.start, detail.end)}
        right = {n for start, end, _ in marks for n in range(start, end)}
        self.masked += len(hidden)
        self.rightly += len(hidden & (right | _beside(text, details)))
        for start, end, kind in marks:
            self.told[kind] += 1
            is_found = all(n in hidden for n in range(start, end) if text[n].isalnum())
            self.found[kind] += is_found
            if not is_found:
                self.missed.append(f"{kind}: {text[start:end]!r}")

    def show(self, title: str, *, missed: bool) -> None:
        print(f"\n{title}: {self.seconds / max(self.letters, 1) * 1e6:.2f} s per million letters")
        for kind in sorted(self.told):
            share = self.found[kind] / self.told[kind]
            print(f"  {kind:18} {self.found[kind]:5} of {self.told[kind]:5}  {share:7.1%}")
        print(
            f"  precision          {self.rightly / max(self.masked, 1):7.1%} of masked characters"
        )
        if missed:
            print("\n".join(f"  missed {one}" for one in sorted(set(self.missed))))


def _beside(text: str, details: list[Detail]) -> set[int]:
    """Marks and spaces between the parts of a detail are no letters lost."""
    masked = (n for one in details for n in range(one.start, one.end))
    return {n for n in masked if not text[n].isalnum()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=40, help="of each site")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--missed", action="store_true", help="print what was not found")
    options = parser.parse_args()
    sources = {"generated, layouts held out": generated(options.documents, options.seed)}
    sources |= {title: written(texts) for title, texts in OTHERS.items()}
    for title, source in sources.items():
        tally = Tally()
        for text, marks in source:
            tally.add(text, marks)
        tally.show(title, missed=options.missed)
    print(f"\nkinds: {', '.join(Kind)}")


if __name__ == "__main__":
    main()
