"""Made-up questions about hospital letters and medical words, answered in plain language.

An answer holds only what the letter says, word for word where it can: a small model that is asked
for medical facts invents them, but it can repeat and translate. Illnesses, medicines and tests are
combined blindly on purpose, so that the only way to answer right is to read the letter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from medley_training.data.examples import Example
from medley_training.data.lexicon import pairs, read_lexicon

OPENING = "In plain words:"
CLOSING = "Ask your care team:"
CAUTION = "Do not change your medicines without asking first."
REFERRAL = (
    "Your care team can tell you what it means for you, what to watch for and what comes next."
)

REQUESTS = (
    "{letter}",
    "What does this mean? {letter}",
    "My letter says: {letter}",
    "Please explain my letter: {letter}",
    "I do not understand this: {letter}",
    "{letter} What does that mean?",
)
LETTERS = (
    "{diagnosis}{status}. {change}. {test} ordered. Review in {visit}.",
    "Diagnosis: {diagnosis}{status}. Medication: {change}. Tests: {test}. Follow-up in {visit}.",
    "Patient has {diagnosis}{status}. Plan: {change}. {test} requested. Review in {visit}.",
)
LETTERS_WITHOUT_TEST = (
    "{diagnosis}{status}. {change}. Review in {visit}.",
    "Diagnosis: {diagnosis}{status}. Medication: {change}. Follow-up in {visit}.",
    "Patient has {diagnosis}{status}. Plan: {change}. Review in {visit}.",
)
QUESTIONS = (
    "What is {term}?",
    "What does {term} mean?",
    "Can you explain {term}?",
    "I was told that I have {term}. What is that?",
)
QUESTIONS_PER_TERM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one letter says; each pair is the letter's words and the patient's."""

    diagnosis: tuple[str, str]
    status: tuple[str, str] | None
    change: tuple[str, str]
    medicine: str
    test: tuple[str, str] | None
    visit: str


def plain_words_examples(
    random: Random, *, num_letters: int, with_closing: bool
) -> tuple[Example, ...]:
    """Draw different letters and explain each; then ask about every diagnosis by itself.

    Args:
        random: Draws the letters; every diagnosis of the lexicon is used about equally often.
        num_letters: How many letters.
        with_closing: End each answer with the `CLOSING` line and a question worth asking.
    """
    lexicon = read_lexicon("plain_words")
    diagnoses = pairs(lexicon, "diagnoses")
    letters: dict[str, Letter] = {}
    while len(letters) < num_letters:
        letter = _draw(lexicon, diagnoses[len(letters) % len(diagnoses)], random)
        letters.setdefault(random.choice(REQUESTS).format(letter=_written(letter, random)), letter)
    answered = (
        *(
            (prompt, explain_letter(letter), _question(letter))
            for prompt, letter in letters.items()
        ),
        *_single_words(diagnoses, random),
    )
    return tuple(
        Example.exchange(prompt, f"{answer}\n{CLOSING} {question}" if with_closing else answer)
        for prompt, answer, question in answered
    )


def explain_letter(letter: Letter) -> str:
    """The letter in plain words, as one paragraph that starts with `OPENING`."""
    term, plain = letter.diagnosis
    sentences = [f"{OPENING} you have {plain} ({term})."]
    if letter.status:
        sentences.append(letter.status[1])
    sentences.append(letter.change[1])
    if letter.test:
        sentences.append(f"You will have {letter.test[1]} ({letter.test[0]}).")
    sentences += [f"Your next visit is in {letter.visit}.", CAUTION]
    return " ".join(sentences)


def _single_words(
    diagnoses: list[tuple[str, str]], random: Random
) -> Iterator[tuple[str, str, str]]:
    for term, plain in diagnoses:
        answer = f"{OPENING} {term} means {plain}. {REFERRAL}"
        for question in random.sample(QUESTIONS, QUESTIONS_PER_TERM):
            yield question.format(term=term), answer, _about(plain)


def _question(letter: Letter) -> str:
    if letter.change[0].startswith("start"):
        return f"What should I watch for when I take {letter.medicine}?"
    return _about(letter.diagnosis[1])


def _about(plain: str) -> str:
    return f"What else should I know about {plain}?"


def _draw(lexicon: Mapping[str, Any], diagnosis: tuple[str, str], random: Random) -> Letter:
    medicine = random.choice(lexicon["medicines"])
    frequency = random.choice(pairs(lexicon, "frequencies"))
    written, meant = random.choice(pairs(lexicon, "changes"))
    return Letter(
        diagnosis=diagnosis,
        status=random.choice(pairs(lexicon, "statuses")) if random.random() < 0.6 else None,
        change=(
            written.format(medicine=medicine, frequency=frequency[0]),
            meant.format(medicine=medicine, frequency=frequency[1]),
        ),
        medicine=medicine,
        test=random.choice(pairs(lexicon, "tests")) if random.random() < 0.8 else None,
        visit=random.choice(lexicon["visits"]),
    )


def _written(letter: Letter, random: Random) -> str:
    text = random.choice(LETTERS if letter.test else LETTERS_WITHOUT_TEST).format(
        diagnosis=letter.diagnosis[0],
        status=f", {letter.status[0]}" if letter.status else "",
        change=letter.change[0],
        test=letter.test[0] if letter.test else None,
        visit=letter.visit,
    )
    sentences = text.split(". ")
    return ". ".join(sentence[0].upper() + sentence[1:] for sentence in sentences)
