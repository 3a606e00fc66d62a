"""Sections of clinical notes from three published sets, each with its own way of writing.

- ACI-Bench (Yim et al., Scientific Data 2023, arXiv:2306.02022): visits and full notes by three
  kinds of scribe, which are three sites.
- MTS-Dialog (Ben Abacha et al., EACL 2023): short conversations and one section each. Most texts
  come from MTSamples, and many are in it more than once.
- PriMock57 (Papadopoulos Korfiatis et al., ACL 2022, arXiv:2204.00333): notes in the shorthand of
  British general practice, without their conversations.

A visit is one group, and so are visits that share a conversation or a text of some length: a
held-out text must not have been learnt from. Short ones, such as ``Follow-up.``, are everywhere and
would tie all visits together; those of them that are copies to the letter are used once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medley_training.data.config import NotesTask
from medley_training.data.examples import Example
from medley_training.data.fingerprint import joined_groups, words_digest
from medley_training.data.labelled import LabelledExample
from medley_training.data.sources.excerpt import excerpt
from medley_training.data.sources.note_sections import SECTIONS, section_named, sections_of
from medley_training.data.sources.reading import csv_rows, json_file, text_field
from medley_training.errors import BadSource

MAX_TEXT = 900
"""Characters of a section, as prompt or as completion."""
MAX_CONVERSATION = 2400
MIN_SHARED = 40
"""Characters from which on the same text means the same origin."""
MIN_WORDS = 4
"""Shorter texts, such as ``None.``, could be any section, so none is to be named for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSection:
    """One section of one visit's note; `conversation` is None where it was not published."""

    site: str
    section: str
    text: str
    visit: str
    conversation: str | None


def load_notes(path: Path, *, task: NotesTask = "name_section") -> tuple[LabelledExample, ...]:
    """Read every set found in a folder; the label is the section, the site its origin.

    Args:
        path: A folder with one or more of ``aci-bench``, ``mts-dialog`` and ``primock57``, or one
            of these.
        task: ``name_section`` shows a text and asks for its section, with all sections as choices;
            ``write_section`` shows a conversation and asks for the section's text.

    Raises:
        BadSource: None of the sets is there, or a file of one is not in its form.
    """
    found = tuple(_sections(path))
    asked = _naming if task == "name_section" else _writing
    kept = [(section, example) for section in found if (example := asked(section)) is not None]
    groups = joined_groups([_keys(section) for section, _ in kept])
    is_naming = task == "name_section"
    return tuple(
        LabelledExample(
            example=example,
            label=section.section,
            group=group,
            site=section.site,
            choices=SECTIONS if is_naming else (),
            answer=SECTIONS.index(section.section) if is_naming else None,
        )
        for (section, example), group in zip(kept, groups, strict=True)
    )


def _sections(path: Path) -> Iterator[NoteSection]:
    folders = {name: path if path.name == name else path / name for name in SETS}
    there = {name: folder for name, folder in folders.items() if folder.is_dir()}
    if not there:
        raise BadSource(f"{path} holds none of the folders {', '.join(SETS)}")
    for name, folder in there.items():
        pattern, read = SETS[name]
        files = sorted(folder.glob(pattern))
        if not files:
            raise BadSource(f"{folder} holds no file {pattern}")
        for file in files:
            yield from read(file)


def _aci_bench(file: Path) -> Iterator[NoteSection]:
    columns = ("dataset", "encounter_id", "dialogue", "note")
    for line, row in csv_rows(file, columns):
        site, visit, conversation, note = (
            text_field(row, column, f"{file}:{line}") for column in columns
        )
        for section, text in sections_of(note):
            yield NoteSection(
                site=site, section=section, text=text, visit=visit, conversation=conversation
            )


def _mts_dialog(file: Path) -> Iterator[NoteSection]:
    for line, row in csv_rows(file, ("section_header", "section_text", "dialogue")):
        where = f"{file}:{line}"
        section = section_named(text_field(row, "section_header", where))
        text, conversation = (text_field(row, each, where) for each in ("section_text", "dialogue"))
        if section is not None:
            yield NoteSection(
                site="mts-dialog",
                section=section,
                text=text,
                visit=f"{file.name}:{line}",
                conversation=conversation,
            )


def _primock57(file: Path) -> Iterator[NoteSection]:
    for section, text in sections_of(text_field(json_file(file), "note", str(file))):
        yield NoteSection(
            site="primock57", section=section, text=text, visit=file.name, conversation=None
        )


SETS: dict[str, tuple[str, Callable[[Path], Iterator[NoteSection]]]] = {
    "aci-bench": ("*.csv", _aci_bench),
    "mts-dialog": ("*.csv", _mts_dialog),
    "primock57": ("*.json", _primock57),
}


def _keys(section: NoteSection) -> Iterator[str]:
    yield words_digest(f"{section.site} {section.visit}")
    if len(section.text) >= MIN_SHARED:
        yield words_digest(section.text)
    if section.conversation:
        yield words_digest(section.conversation)


def _naming(section: NoteSection) -> Example | None:
    if len(section.text.split()) < MIN_WORDS:
        return None
    prompt = (
        f"{excerpt(section.text, MAX_TEXT)}\n\n"
        f"Which section of a clinical note is this? One of: {', '.join(SECTIONS)}."
    )
    return Example.exchange(prompt, section.section)


def _writing(section: NoteSection) -> Example | None:
    if section.conversation is None:
        return None
    conversation = excerpt(section.conversation.strip(), MAX_CONVERSATION)
    return Example.exchange(
        f"{conversation}\n\nWrite the {section.section} of the note.",
        excerpt(section.text, MAX_TEXT),
    )
