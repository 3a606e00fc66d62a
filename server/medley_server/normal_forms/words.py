"""Printed words to the words of closed lists."""

from medley.records import Assertion, Flag, Laterality, MedicationStatus

from medley_server.normal_forms.normal_form import NormalForm
from medley_server.normal_forms.spelling import plain, spellings, table

NO_DIRECTION = "it marks a result as abnormal without saying in which direction"
_ABNORMAL = frozenset({"*", "**", "!", "a", "(a)", "abn", "abnormal"})


def flag_of(text: str) -> NormalForm:
    """A mark beside a result: ``high``, ``low``, ``critical_high`` or ``critical_low``."""
    word = spellings("words", "flags").get(_closed(text))
    if word:
        return NormalForm(Flag(word).value)
    return NormalForm.printed(text, NO_DIRECTION if _closed(text) in _ABNORMAL else None)


def laterality_of(text: str) -> Laterality | None:
    """A side; None where it is none."""
    word = spellings("words", "laterality").get(plain(text).strip("()"))
    return Laterality(word) if word else None


def medication_status_of(text: str) -> MedicationStatus | None:
    """What becomes of a drug; None where the text does not say."""
    word = spellings("words", "status").get(plain(text).strip("*() "))
    return MedicationStatus(word) if word else None


def assertion_of(text: str) -> Assertion | None:
    """How a diagnosis is meant; None where the text does not say. A relative's name may follow."""
    bare = plain(text).strip(": ")
    known = spellings("words", "assertion")
    word = known.get(bare) or known.get(bare.partition("(")[0].strip())
    return Assertion(word) if word else None


def route_of(text: str) -> NormalForm:
    """How a drug is given."""
    bare = plain(text)
    if note := table("words")["ambiguous_routes"].get(bare):
        return NormalForm.printed(text, note)
    word = spellings("words", "routes").get(bare)
    return NormalForm(word) if word else NormalForm.printed(text)


def _closed(text: str) -> str:
    return plain(text).replace(" ", "") if len(text.strip()) <= 4 else plain(text)
