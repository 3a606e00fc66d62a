"""Draws measurements: laboratory results and vital signs, most of them normal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from medley.records import DocumentType

from medley_training.documents.case import Length, Measurement
from medley_training.documents.contents import PANELS
from medley_training.documents.lexicon import Lexicon, Measure

NO_RANGE = 0.1
"""How often a result that has a reference range is printed without it."""
ABNORMAL = 0.45
BELOW = 0.4
BEYOND_MEASURE = 0.25
BLOOD_PRESSURE = "blood pressure"
MEAN_PRESSURE = "mean arterial pressure"
DIASTOLIC_SHARE = 0.59


def drawn_labs(
    count: int, document_type: DocumentType, written: datetime, lexicon: Lexicon, random: Random
) -> tuple[Measurement, ...]:
    panels = PANELS.get(document_type) or {lab.group for lab in lexicon.labs}
    wanted = [lab for lab in lexicon.labs if lab.group in panels]
    chosen = random.sample(wanted, min(count, len(wanted)))
    chosen.sort(key=lexicon.labs.index)
    is_timed = document_type is DocumentType.ICU_FLOWSHEET
    has_ranges = document_type is DocumentType.LAB_PANEL
    taken_at = written.replace(hour=random.randrange(4, 7), minute=random.choice((0, 15, 30, 45)))
    return tuple(
        _result(
            lab,
            random,
            has_range=has_ranges and lab.has_reference and random.random() >= NO_RANGE,
            taken_at=taken_at if is_timed else None,
        )
        for lab in chosen
    )


def _result(
    measure: Measure, random: Random, *, has_range: bool, taken_at: datetime | None
) -> Measurement:
    amount = _amount(measure, random)
    comparator = ""
    if measure.below is not None and random.random() < BEYOND_MEASURE:
        comparator, amount = "<", measure.below
    elif measure.above is not None and random.random() < BEYOND_MEASURE:
        comparator, amount = ">", measure.above
    return Measurement(
        measure=measure,
        amount=amount,
        second=None,
        comparator=comparator,
        has_range=has_range,
        taken_at=taken_at,
    )


def _amount(measure: Measure, random: Random) -> float:
    """Inside the range of most, or anywhere that is plausible."""
    if random.random() >= ABNORMAL:
        return random.uniform(measure.low, measure.high)
    has_below, has_above = measure.min < measure.low, measure.high < measure.max
    if has_below and (not has_above or random.random() < BELOW):
        return random.uniform(measure.min, measure.low)
    if has_above:
        # Far above the range is rarer than just above it.
        return measure.high + (measure.max - measure.high) * random.random() ** 2
    return random.uniform(measure.min, measure.max)


def drawn_times(
    document_type: DocumentType, length: Length, written: datetime, random: Random
) -> list[datetime | None]:
    """When the vitals of a document were taken: on a flowsheet at several times of the day."""
    if document_type is not DocumentType.ICU_FLOWSHEET:
        return [None]
    first = written.replace(hour=random.choice((0, 6)), minute=0)
    return [first + timedelta(hours=2 * i) for i in range(6 if length == "full" else 1)]


def drawn_vitals(
    count: int, times: Sequence[datetime | None], lexicon: Lexicon, random: Random
) -> tuple[Measurement, ...]:
    groups = {"general", "body"} if times == [None] else {"general", "icu"}
    wanted = [vital for vital in lexicon.vitals if vital.group in groups]
    chosen = random.sample(wanted, min(count, len(wanted)))
    ordered = sorted(chosen, key=lexicon.vitals.index)
    courses = {vital.name: _course(vital, len(times), random) for vital in ordered}
    facts = [
        _vital(vital, courses[vital.name][index], at)
        for index, at in enumerate(times)
        for vital in ordered
    ]
    return tuple(_agreeing(facts))


def _course(measure: Measure, count: int, random: Random) -> list[float]:
    """Amounts one after the other: each near the one before."""
    step = (measure.high - measure.low) / 6
    amounts = [_amount(measure, random)]
    while len(amounts) < count:
        drifted = amounts[-1] + random.gauss(0, step)
        amounts.append(min(max(drifted, measure.min), measure.max))
    return amounts


def _vital(measure: Measure, amount: float, taken_at: datetime | None) -> Measurement:
    return Measurement(
        measure=measure,
        amount=amount,
        second=amount * DIASTOLIC_SHARE if measure.name == BLOOD_PRESSURE else None,
        comparator="",
        has_range=False,
        taken_at=taken_at,
    )


def _agreeing(facts: Sequence[Measurement]) -> Iterator[Measurement]:
    """The mean arterial pressure follows from the blood pressure of the same time."""
    pressures = {fact.taken_at: fact for fact in facts if fact.measure.name == BLOOD_PRESSURE}
    for fact in facts:
        pressure = pressures.get(fact.taken_at)
        if fact.measure.name == MEAN_PRESSURE and pressure and pressure.second:
            mean = pressure.second + (pressure.amount - pressure.second) / 3
            yield replace(fact, amount=mean)
        else:
            yield fact
