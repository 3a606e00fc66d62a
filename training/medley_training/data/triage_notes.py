"""Made-up complaints and the triage notes they become: SOAP or SBAR.

A note repeats what the patient said and says what is still unknown. It never names a diagnosis or a
dose, and the signs that need help at once are the same in every note: a small model fills blanks
with inventions, so it is given none to fill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Any

from medley_training.data.examples import Example
from medley_training.data.lexicon import pairs, read_lexicon

COMPLAINTS = (
    "I have had {finding} {when}. {details}",
    "I've had {finding} {when}. {details}",
    "I have {finding}. It has been like this {when}. {details}",
    "{details} I have had {finding} {when}.",
    "{when} I have had {finding}. {details}",
    "Hello, I have had {finding} {when}. {details} What should I do?",
    "Note for the doctor: {finding} {when}. {details}",
    "I am worried about {finding}. It has been like this {when}. {details}",
)
STARTED_COMPLAINTS = (
    "I have {finding}. It started {when}. {details}",
    "I have {finding} that started {when}. {details}",
    "It started {when}: {finding}. {details}",
    "{details} I have {finding}, and it started {when}.",
)
STARTED = "starting "
NOT_GIVEN = "History, medicines and allergies not given."
HELP_AT_ONCE = "trouble breathing, chest pain, fainting, confusion or heavy bleeding"


class NoteForm(Enum):
    """The two layouts; each value is the start of the note's lines, in order."""

    SOAP = ("S:", "O:", "A:", "P:")
    SBAR = ("Situation:", "Background:", "Assessment:", "Recommendation:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What one patient tells, in the note's words; `courses` and `backgrounds` also as spoken."""

    region: str
    symptom: str
    companion: str | None
    when: str
    courses: Sequence[tuple[str, str]]
    backgrounds: Sequence[tuple[str, str]]

    @property
    def finding(self) -> str:
        """The symptom and what comes with it, as the note's assessment says it."""
        return f"{self.symptom} with {self.companion}" if self.companion else self.symptom


def triage_examples(form: NoteForm, random: Random, *, count: int) -> tuple[Example, ...]:
    """Draw `count` different complaints and write each as a note of the given form."""
    return tuple(
        Example.exchange(prompt, write_note(complaint, form))
        for prompt, complaint in triage_complaints(random, count=count).items()
    )


def triage_complaints(random: Random, *, count: int) -> dict[str, Complaint]:
    """Draw `count` different complaints by the words in which the patient tells them.

    Every symptom of the lexicon is used about equally often.
    """
    lexicon = read_lexicon("triage")
    symptoms = [(region, symptom) for region in lexicon["region"] for symptom in region["symptoms"]]
    complaints: dict[str, Complaint] = {}
    while len(complaints) < count:
        region, symptom = symptoms[len(complaints) % len(symptoms)]
        complaint = _draw(lexicon, region, symptom, random)
        complaints.setdefault(_spoken(complaint, random), complaint)
    return complaints


def write_note(complaint: Complaint, form: NoteForm) -> str:
    """The note of a complaint: four lines, each starting as the form says."""
    bodies = _soap(complaint) if form is NoteForm.SOAP else _sbar(complaint)
    return "\n".join(f"{start} {body}" for start, body in zip(form.value, bodies, strict=True))


def report(complaint: Complaint) -> str:
    """What the patient reports, as the note's first line says it."""
    companion = f", with {complaint.companion}" if complaint.companion else ""
    opening = f"Patient reports {complaint.symptom} {complaint.when}{companion}."
    return " ".join((opening, *(written for _, written in complaint.courses)))


def _soap(complaint: Complaint) -> tuple[str, ...]:
    return (
        f"{report(complaint)} {_background(complaint)}",
        "Vital signs and examination not yet recorded.",
        f"{_unexplained(complaint)} No diagnosis can be made from this report alone.",
        (
            f"Record vital signs and examine the {complaint.region}."
            f" Get help at once for {HELP_AT_ONCE}."
        ),
    )


def _sbar(complaint: Complaint) -> tuple[str, ...]:
    return (
        report(complaint),
        _background(complaint),
        f"{_unexplained(complaint)} Vital signs and examination not yet recorded.",
        (
            f"Please record vital signs, examine the {complaint.region} and decide how soon"
            f" a doctor must see the patient. Call at once for {HELP_AT_ONCE}."
        ),
    )


def _background(complaint: Complaint) -> str:
    return " ".join(written for _, written in complaint.backgrounds) or NOT_GIVEN


def _unexplained(complaint: Complaint) -> str:
    # In the middle of a sentence the finding keeps the patient's spelling, token by token; at its
    # start the capital letter would make other tokens of it, which a small model fails to copy.
    return f"Cause not yet known: {complaint.finding}."


def _draw(
    lexicon: Mapping[str, Any], region: Mapping[str, Any], symptom: str, random: Random
) -> Complaint:
    lasting = [f"for {duration}" for duration in lexicon["durations"]]
    since = [f"since {start}" for start in lexicon["starts"]]
    started = [STARTED + onset for onset in lexicon["onsets"]]
    return Complaint(
        region=region["name"],
        symptom=symptom,
        companion=random.choice(region["companions"]) if random.random() < 0.7 else None,
        when=random.choice(lasting + since + started),
        courses=random.sample(pairs(lexicon, "courses"), random.choice((0, 1))),
        backgrounds=random.sample(pairs(lexicon, "backgrounds"), random.choice((0, 1, 1, 2, 2))),
    )


def _spoken(complaint: Complaint, random: Random) -> str:
    joint = random.choice((". ", " and "))
    details = [
        joint.join(said.removesuffix(".") for said, _ in facts) + "."
        for facts in random.sample((complaint.courses, complaint.backgrounds), 2)
        if facts
    ]
    finding = complaint.symptom
    if complaint.companion:
        finding += random.choice((" with ", " and ")) + complaint.companion
    has_onset = complaint.when.startswith(STARTED)
    text = random.choice(STARTED_COMPLAINTS if has_onset else COMPLAINTS).format(
        finding=finding, when=complaint.when.removeprefix(STARTED), details=" ".join(details)
    )
    return _capitalized(" ".join(text.split()))


def _capitalized(text: str) -> str:
    return text[0].upper() + text[1:]
