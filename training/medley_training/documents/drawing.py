"""Draws the facts of a case out of a lexicon."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

from medley.records import Assertion, DocumentType, Laterality, MedicationStatus

from medley_training.documents.case import (
    Case,
    DiagnosisFact,
    Length,
    MedicationFact,
    Patient,
    ProcedureFact,
)
from medley_training.documents.contents import COUNTS, SERVICES
from medley_training.documents.lexicon import Condition, Drug, Lexicon
from medley_training.documents.measuring import drawn_labs, drawn_times, drawn_vitals

OMITTED = 0.1
"""How often a detail that could be there is not in the document."""
AS_NEEDED = 0.85
STATUS_CHANGED = 0.3
FIRST_DAY = datetime(2023, 1, 9)
NUM_DAYS = 700


def draw_case(
    document_type: DocumentType, length: Length, lexicon: Lexicon, random: Random
) -> Case:
    """Draw what a document says; the same state of `random` gives the same case."""
    bounds = COUNTS[document_type][length]
    counts = {name: random.randint(*bounds[name]) for name in bounds}
    day = FIRST_DAY + timedelta(days=random.randrange(NUM_DAYS))
    written = day + timedelta(hours=random.randrange(6, 20))
    procedures = _procedures(counts.get("procedures", 0), document_type, written, lexicon, random)
    patient = _patient(written, lexicon, random)
    times = drawn_times(document_type, length, written, random)
    colleagues = [name for name in lexicon.people["surnames"] if name != patient.surname]
    return Case(
        document_type=document_type,
        length=length,
        patient=patient,
        author=random.choice(colleagues),
        allergies=random.choice(lexicon.people["allergies"]),
        written=written,
        medications=_medications(counts, document_type, lexicon, random),
        labs=drawn_labs(counts.get("labs", 0), document_type, written, lexicon, random),
        vitals=drawn_vitals(counts.get("vitals", 0), times, lexicon, random),
        diagnoses=_diagnoses(
            counts.get("diagnoses", 0), document_type, procedures, lexicon, random
        ),
        procedures=procedures,
    )


def _patient(written: datetime, lexicon: Lexicon, random: Random) -> Patient:
    is_female = random.random() < 0.5
    people = lexicon.people
    return Patient(
        surname=random.choice(people["surnames"]),
        given=random.choice(people["women" if is_female else "men"]),
        is_female=is_female,
        born=written.date() - timedelta(days=random.randrange(22 * 365, 91 * 365)),
        mrn=f"{random.randrange(10_000_000):07d}",
    )


def _medications(
    counts: dict[str, int], document_type: DocumentType, lexicon: Lexicon, random: Random
) -> tuple[MedicationFact, ...]:
    group = "theatre" if document_type is DocumentType.OPERATIVE_NOTE else "home"
    drugs = _sample(
        [d for d in lexicon.drugs if d.group == group], counts.get("medications", 0), random
    )
    infusions = [drug for drug in lexicon.drugs if drug.group == "infusion"]
    drugs += _sample(infusions, counts.get("infusions", 0), random)
    return tuple(_medication(drug, random) for drug in drugs)


def _sample(drugs: Sequence[Drug], count: int, random: Random) -> list[Drug]:
    """Different drugs; a name that a list holds twice could not be told apart by readers."""
    chosen: dict[str, Drug] = {}
    for drug in random.sample(drugs, len(drugs)):
        if len(chosen) == count:
            break
        chosen.setdefault(drug.name, drug)
    return list(chosen.values())


def _medication(drug: Drug, random: Random) -> MedicationFact:
    is_prn = drug.prn is not None and random.random() < AS_NEEDED
    can_change = drug.group == "home"
    others = [status for status in MedicationStatus if status is not MedicationStatus.ACTIVE]
    return MedicationFact(
        drug=drug,
        strength=_unless_omitted(random.choice(drug.strengths), random),
        route=_unless_omitted(drug.route, random),
        frequency=_unless_omitted(random.choice(drug.frequencies), random),
        prn=is_prn,
        indication=_unless_omitted(drug.prn if is_prn else drug.indication, random, rate=0.4),
        status=(
            random.choice(others)
            if can_change and random.random() < STATUS_CHANGED
            else MedicationStatus.ACTIVE
        ),
    )


def _unless_omitted(detail: str | None, random: Random, *, rate: float = OMITTED) -> str | None:
    return None if random.random() < rate else detail


def _diagnoses(
    count: int,
    document_type: DocumentType,
    procedures: Sequence[ProcedureFact],
    lexicon: Lexicon,
    random: Random,
) -> tuple[DiagnosisFact, ...]:
    if count == 0:
        return ()
    reasons = {procedure.operation.diagnosis for procedure in procedures}
    first = [condition for condition in lexicon.diagnoses if condition.name in reasons]
    general = [c for c in lexicon.diagnoses if c.service == "general" and c not in first]
    pool = general
    if SERVICES[document_type] not in ("general", "surgical"):
        own = [c for c in lexicon.diagnoses if c.service == SERVICES[document_type]]
        pool = own + random.sample(general, len(general) // 3)
    rest = random.sample(pool, max(0, min(count - len(first), len(pool))))
    return tuple(
        [DiagnosisFact(condition=c, assertion=Assertion.PRESENT, relative=None) for c in first]
        + [_asserted(condition, lexicon, random) for condition in rest]
    )


def _asserted(condition: Condition, lexicon: Lexicon, random: Random) -> DiagnosisFact:
    weights = {
        Assertion.PRESENT: 5,
        Assertion.ABSENT: 2,
        Assertion.POSSIBLE: 1,
        Assertion.HISTORY: 2,
        Assertion.FAMILY: 2 if condition.runs_in_families else 0,
    }
    (assertion,) = random.choices(list(weights), list(weights.values()))
    is_family = assertion is Assertion.FAMILY
    relative = random.choice(lexicon.people["relatives"]) if is_family else None
    return DiagnosisFact(condition=condition, assertion=assertion, relative=relative)


def _procedures(
    count: int, document_type: DocumentType, written: datetime, lexicon: Lexicon, random: Random
) -> tuple[ProcedureFact, ...]:
    wanted = [p for p in lexicon.procedures if p.service == SERVICES[document_type]]
    days = 0 if document_type is DocumentType.OPERATIVE_NOTE else random.randrange(1, 60)
    performed_on: date = written.date() - timedelta(days=days)
    return tuple(
        ProcedureFact(
            operation=operation,
            laterality=(
                random.choice((Laterality.LEFT, Laterality.RIGHT)) if operation.sided else None
            ),
            performed_on=None if random.random() < OMITTED else performed_on,
        )
        for operation in random.sample(wanted, min(count, len(wanted)))
    )
