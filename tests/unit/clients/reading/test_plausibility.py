"""Text of a text layer that no person would read there."""

import pytest
from medley.pages import Box, Word
from medley.reading.plausibility import distrust

PROSE = (
    "The patient was admitted with chest pain and shortness of breath. Potassium 5.9 mmol/L,"
    " creatinine 88 umol/L, metoprolol 25 mg twice daily, aspirin 81 mg once daily."
)
GERMAN = (
    "Der Patient wurde mit Brustschmerzen und Atemnot aufgenommen. Kalium 5,9 mmol/l, Kreatinin"
    " 88 umol/l, Metoprolol 25 mg zweimal taeglich, Aspirin 100 mg einmal taeglich."
)
CAPITALS = "=" * 200 + " " + PROSE.upper() + " 136 4.1 103 27 0.9 " * 20


def words(text: str) -> list[Word]:
    return [Word(part, Box(0, 0, 1, 1)) for part in text.split()]


def shifted(text: str, places: int) -> str:
    return "".join(c if c.isspace() else chr(ord(c) + places) for c in text)


@pytest.mark.parametrize("text", [PROSE, GERMAN, CAPITALS, "5.9 140 88 0.7 12.5 " * 30, "K 5.9"])
def test_text_is_believed(text: str) -> None:
    assert distrust(words(text), words(text)) is None


@pytest.mark.parametrize(
    "text", ["患者さんの血液検査の結果" * 10, "Γλυκόζη πλάσματος νηστείας " * 5]
)
def test_other_scripts_are_believed(text: str) -> None:
    assert distrust(words(text), words(text)) is None


@pytest.mark.parametrize("places", [-29, -3, -1, 1, 3, 5])
@pytest.mark.parametrize("text", [PROSE, GERMAN])
def test_shifted_letters_are_not(text: str, places: int) -> None:
    said = words(shifted(text, places))
    assert distrust(said, said) is not None


@pytest.mark.parametrize("sign", ["\ue012", "\ufffd", "\x03"])
def test_unknown_characters_are_not(sign: str) -> None:
    said = words(PROSE.replace("a", sign))
    assert distrust(said, said) == "many characters are unknown"


def test_characters_that_fonts_do_not_tell_are_not() -> None:
    assert distrust([*words("Potassium"), *([Word("", Box(0, 0, 1, 1))] * 30)], words("Potassium"))
