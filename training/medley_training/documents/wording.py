"""Puts the facts of a case into a site's words: the record that is the truth of the document."""

from decimal import Decimal
from random import Random

from medley.records import (
    Diagnosis,
    Flag,
    Lab,
    Leaf,
    MedicalRecord,
    Medication,
    Procedure,
    Vital,
)

from medley_training.documents.case import (
    Case,
    DiagnosisFact,
    Measurement,
    MedicationFact,
    ProcedureFact,
)
from medley_training.documents.figures import (
    converted,
    normal_dose,
    printed,
    printed_date,
    printed_dose,
    printed_time,
    printed_unit,
)
from medley_training.documents.lexicon import Drug, Measure, Term, Unit
from medley_training.documents.styles import SiteStyle, UnitSystem

BRAND = 0.4
CRITICAL = Decimal("0.5")
"""How far beyond the range, as a share of the range's upper end, a result is critical."""


def worded(case: Case, style: SiteStyle, random: Random) -> MedicalRecord:
    """The record of a case as this site prints it."""
    has_flags = random.random() < style.flag_rate
    has_codes = random.random() < style.code_rate
    return MedicalRecord(
        document_type=case.document_type,
        medications=tuple(_medication(fact, style, random) for fact in case.medications),
        labs=tuple(_lab(fact, style, has_flags=has_flags) for fact in case.labs),
        vitals=tuple(_vital(fact, style) for fact in case.vitals),
        diagnoses=tuple(_diagnosis(fact, style, has_codes=has_codes) for fact in case.diagnoses),
        procedures=tuple(_procedure(fact, style) for fact in case.procedures),
    )


def _named(term: Term, style: SiteStyle) -> Leaf:
    return Leaf(value=term.name, text=style.cased(term.called(style.vocabulary)))


def _looked_up(key: str | None, words: dict[str, str]) -> Leaf | None:
    return Leaf(value=key.replace("_", " "), text=words[key]) if key else None


def _medication(fact: MedicationFact, style: SiteStyle, random: Random) -> Medication:
    strength = fact.strength
    return Medication(
        name=_drug_name(fact.drug, style, random),
        dose=Leaf(value=normal_dose(strength), text=printed_dose(strength, style))
        if strength
        else None,
        route=_looked_up(fact.route, dict(style.routes)),
        frequency=_looked_up(fact.frequency, dict(style.frequencies)),
        prn=fact.prn,
        status=fact.status,
        indication=Leaf(value=fact.indication, text=_indication(fact.indication, style))
        if fact.indication
        else None,
    )


def _indication(indication: str, style: SiteStyle) -> str:
    word = style.indications.get(indication, indication)
    return word.upper() if style.casing == "upper" else word


def _drug_name(drug: Drug, style: SiteStyle, random: Random) -> Leaf:
    if drug.brand and style.drug_names == "mixed" and random.random() < BRAND:
        return Leaf(value=drug.name, text=drug.brand)
    return _named(drug, style)


def _unit(measure: Measure, system: UnitSystem) -> Unit:
    return measure.si if system == "si" and measure.si else measure.customary


def _unit_leaf(unit: Unit, style: SiteStyle) -> Leaf | None:
    if unit.unit is None or unit.ucum is None:
        return None
    return Leaf(value=unit.ucum, text=printed_unit(unit.unit, style))


def _lab(fact: Measurement, style: SiteStyle, *, has_flags: bool) -> Lab:
    unit = _unit(fact.measure, style.labs_units)
    number = converted(fact.amount, unit)
    low, high = converted(fact.measure.low, unit), converted(fact.measure.high, unit)
    flag = _flag(number, low, high) if has_flags else None
    return Lab(
        name=_named(fact.measure, style),
        value=Leaf(value=str(number), text=fact.comparator + printed(number, style)),
        unit=_unit_leaf(unit, style),
        reference_range=_range(low, high, style) if fact.has_range else None,
        flag=Leaf(value=flag.value, text=style.flags[flag.value]) if flag else None,
        taken_at=_time(fact, style),
    )


def _flag(number: Decimal, low: Decimal, high: Decimal) -> Flag | None:
    margin = CRITICAL * abs(high)
    if number > high:
        return Flag.CRITICAL_HIGH if number > high + margin else Flag.HIGH
    if number < low:
        return Flag.CRITICAL_LOW if number < low - margin else Flag.LOW
    return None


def _range(low: Decimal, high: Decimal, style: SiteStyle) -> Leaf:
    template = style.range if low else style.range_below
    text = template.format(low=printed(low, style), high=printed(high, style))
    return Leaf(value=f"{low}-{high}" if low else f"<{high}", text=text)


def _time(fact: Measurement, style: SiteStyle) -> Leaf | None:
    if fact.taken_at is None:
        return None
    return Leaf(value=f"{fact.taken_at:%H:%M}", text=printed_time(fact.taken_at, style))


def _vital(fact: Measurement, style: SiteStyle) -> Vital:
    unit = _unit(fact.measure, style.vitals_units)
    number = str(converted(fact.amount, unit))
    if fact.second is not None:
        number = f"{number}/{converted(fact.second, unit)}"
    return Vital(
        name=_named(fact.measure, style),
        value=Leaf(value=number, text=printed(number, style)),
        unit=_unit_leaf(unit, style),
        taken_at=_time(fact, style),
    )


def _diagnosis(fact: DiagnosisFact, style: SiteStyle, *, has_codes: bool) -> Diagnosis:
    code = fact.condition.code if has_codes and fact.relative is None else None
    return Diagnosis(
        name=_named(fact.condition, style),
        code=Leaf.verbatim(code) if code else None,
        assertion=fact.assertion,
    )


def _procedure(fact: ProcedureFact, style: SiteStyle) -> Procedure:
    day = fact.performed_on
    side = fact.laterality
    return Procedure(
        name=_named(fact.operation, style),
        laterality=Leaf(value=side.value, text=style.words[side.value]) if side else None,
        performed_on=Leaf(value=day.isoformat(), text=printed_date(day, style)) if day else None,
    )
