import csv
import json
from pathlib import Path

import pytest
from medley_training.data.sources.note_sections import SECTIONS, section_named, sections_of
from medley_training.data.sources.notes import MAX_TEXT, load_notes
from medley_training.errors import BadSource

FULL_NOTE = """CHIEF COMPLAINT

Annual exam.

SOCIAL HISTORY

She lives with her husband in the town.

PHYSICAL EXAM

• Neck: No carotid bruits were heard today.

ASSESSMENT AND PLAN

1. Asthma.
- Plan: inhaler twice a day.
"""
SHORTHAND = (
    "3/7 hx of cough.\n\nPMH: Asthma since childhood, mild\nNKDA\nImp: viral\n\nPlan:\n1. Rest"
)
LONG_TEXT = "The patient is a woman who presents with a cough of three days."


def _aci(folder: Path, *rows: tuple[str, str, str]) -> None:
    _csv(
        folder / "aci-bench" / "train.csv",
        ["dataset", "encounter_id", "dialogue", "note"],
        [(site, visit, f"[doctor] about {visit}", note) for site, visit, note in rows],
    )


def _mts(folder: Path, *rows: tuple[str, str, str]) -> None:
    _csv(
        folder / "mts-dialog" / "Train.csv",
        ["ID", "section_header", "section_text", "dialogue"],
        [(str(n), *row) for n, row in enumerate(rows)],
    )


def _primock(folder: Path, note: str) -> None:
    file = folder / "primock57" / "day1_consultation01.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"day": 1, "note": note}))


def _csv(file: Path, header: list[str], rows: list[tuple[str, ...]]) -> None:
    file.parent.mkdir(exist_ok=True)
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        csv.writer(out).writerows([header, *rows])


def test_a_note_is_cut_at_its_headers() -> None:
    assert list(sections_of(FULL_NOTE)) == [
        ("chief complaint", "Annual exam."),
        ("family and social history", "She lives with her husband in the town."),
        ("examination", "• Neck: No carotid bruits were heard today."),
        ("assessment and plan", "1. Asthma.\n- Plan: inhaler twice a day."),
    ]


def test_british_shorthand_is_cut_at_its_own() -> None:
    assert list(sections_of(SHORTHAND)) == [
        ("past history", "Asthma since childhood, mild\nNKDA"),
        ("assessment and plan", "viral"),
        ("assessment and plan", "1. Rest"),
    ]


@pytest.mark.parametrize(
    ("header", "section"),
    [
        ("GENHX", "history of present illness"),
        ("FAM/SOCHX", "family and social history"),
        ("Past Medical History:", "past history"),
        ("EDCOURSE", None),
    ],
)
def test_headers_of_all_sets_have_one_name(header: str, section: str | None) -> None:
    assert section_named(header) == section


def test_a_section_is_to_be_named_out_of_all(tmp_path: Path) -> None:
    _aci(tmp_path, ("virtscribe", "D1", FULL_NOTE))
    _mts(tmp_path, ("GENHX", LONG_TEXT, "Doctor: Well?"), ("CC", "Cough.", "Doctor: So?"))
    _primock(tmp_path, SHORTHAND)

    found = load_notes(tmp_path)

    assert [(each.site, each.label) for each in found] == [
        ("virtscribe", "family and social history"),
        ("virtscribe", "examination"),
        ("virtscribe", "assessment and plan"),
        ("mts-dialog", "history of present illness"),
        ("primock57", "past history"),
    ]
    prompt, completion = found[0].example.messages
    assert prompt.content.startswith("She lives with her husband in the town.\n\nWhich section")
    assert completion.content == "family and social history"
    assert found[0].choices == SECTIONS


def test_a_section_is_written_from_a_conversation_where_there_is_one(tmp_path: Path) -> None:
    _mts(tmp_path, ("GENHX", LONG_TEXT, "Doctor: What is it?\nPatient: A cough."))
    _primock(tmp_path, SHORTHAND)

    (found,) = load_notes(tmp_path, task="write_section")

    prompt, completion = found.example.messages
    assert prompt.content == (
        "Doctor: What is it?\nPatient: A cough.\n\n"
        "Write the history of present illness of the note."
    )
    assert completion.content == LONG_TEXT
    assert not found.choices


def test_long_texts_are_cut(tmp_path: Path) -> None:
    _mts(tmp_path, ("GENHX", "word " * 1000, "Doctor: What is it?"))

    (found,) = load_notes(tmp_path, task="write_section")

    assert len(found.example.messages[1].content) <= MAX_TEXT


def test_the_sections_of_a_visit_are_one_group(tmp_path: Path) -> None:
    _aci(tmp_path, ("aci", "D1", FULL_NOTE), ("aci", "D2", "RESULTS\n\nThe heart is quite normal."))

    groups = [each.group for each in load_notes(tmp_path)]

    assert len(set(groups[:3])) == 1
    assert groups[3] != groups[0]


def test_texts_with_the_same_words_are_one_group_in_all_sets(tmp_path: Path) -> None:
    _aci(tmp_path, ("aci", "D1", f"RESULTS\n\n{LONG_TEXT}\n\nPLAN\n\nRest and drink a lot."))
    _mts(
        tmp_path,
        ("GENHX", LONG_TEXT.upper(), "Doctor: a"),
        ("CC", "She has had a bad cough", "Doctor: b"),
        ("ROS", "Nothing else was ever found", "Doctor: b"),
    )

    result, plan, same_text, same_talk, talk = (each.group for each in load_notes(tmp_path))

    assert result == plan == same_text
    assert same_talk == talk != result


@pytest.mark.parametrize("name", ["aci-bench", "mts-dialog", "primock57"])
def test_a_folder_without_its_files_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSource, match="holds none of the folders aci-bench"):
        load_notes(tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(BadSource, match=rf"{name} holds no file \*\.(csv|json)"):
        load_notes(tmp_path / name)


def test_a_missing_column_is_named_with_those_found(tmp_path: Path) -> None:
    _csv(tmp_path / "aci-bench" / "train.csv", ["dataset", "note"], [("aci", "x")])

    with pytest.raises(
        BadSource, match=r"train.csv:1: no column 'encounter_id'; .* are dataset, note"
    ):
        load_notes(tmp_path)


def test_a_row_with_too_few_fields_is_named_by_its_line(tmp_path: Path) -> None:
    header = ["section_header", "section_text", "dialogue"]
    _csv(tmp_path / "mts-dialog" / "a.csv", header, [("CC", "two\nlines", "x"), ("CC", "text")])

    with pytest.raises(BadSource, match=r"a.csv:4: expected 3 fields"):
        load_notes(tmp_path)


def test_a_quote_that_never_ends_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mts-dialog" / "a.csv"
    file.parent.mkdir()
    file.write_text('section_header,section_text,dialogue\nCC,"text,x\n')

    with pytest.raises(BadSource, match=r"a.csv:1: not CSV: unexpected end of data"):
        load_notes(tmp_path)
