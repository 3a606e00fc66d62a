"""Sets a record into the blocks of a site's document, in the order of the page."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from medley.records import (
    Diagnosis,
    DocumentType,
    Leaf,
    MedicalRecord,
    Medication,
    MedicationStatus,
    Row,
)

from medley_training.documents.blocks import (
    Block,
    Heading,
    Letterhead,
    Pairs,
    Paragraph,
    Span,
    Spans,
    Table,
)
from medley_training.documents.case import Case
from medley_training.documents.contents import HAS_ALLERGIES, ORDER
from medley_training.documents.figures import printed_date
from medley_training.documents.styles import Form, SiteStyle
from medley_training.documents.template import filled

REMARK = 0.5
"""How often a short document has a remark that holds no value."""
_VALUE_WIDTH = 14
_TIME_WIDTH = 12
# Marks that are absent from most rows: nobody writes "not recorded" there.
_BLANK_MEANS_NONE = ("{flag}", "{status}", "{unit}")

Values = Mapping[str, Span | None]


def composed(
    record: MedicalRecord, case: Case, style: SiteStyle, random: Random
) -> tuple[Block, ...]:
    """The blocks of the document; every value of the record is a span of them."""
    opening, closing = _remarks(case, style, random)
    blocks: list[Block] = [
        Letterhead(style.hospital, style.address, style.titles[case.document_type.value]),
        *_about_patient(case, style),
        *(Paragraph((Span(remark),), "remark") for remark in opening),
    ]
    for section in ORDER[case.document_type]:
        rows = [
            (path, row, _values(path, row, case, style))
            for path, row in record.rows()
            if path.startswith(section)
        ]
        if rows:
            blocks.extend(_section(section, rows, case, style))
    blocks.extend(Paragraph((Span(remark),), "remark") for remark in closing)
    if case.length == "full":
        blocks.append(Paragraph(_header_line(style.header.signed, case, style), "signature"))
    return tuple(blocks)


def _remarks(case: Case, style: SiteStyle, random: Random) -> tuple[list[str], list[str]]:
    """Those above the values and those below; what was done is told after what was decided."""
    remarks = style.remarks[case.document_type.value]
    if case.length == "short":
        return [], [random.choice(remarks)] if random.random() < REMARK else []
    above = 0 if case.document_type is DocumentType.OPERATIVE_NOTE else len(remarks) // 2
    return list(remarks[:above]), list(remarks[above:])


def _about_patient(case: Case, style: SiteStyle) -> Iterator[Paragraph]:
    for line in style.header.lines:
        yield Paragraph(_header_line(line, case, style), "patient")
    if case.document_type in HAS_ALLERGIES:
        yield Paragraph(_header_line(style.header.allergies, case, style), "patient")


def _header_line(line: str, case: Case, style: SiteStyle) -> Spans:
    patient = case.patient
    text = line.format(
        surname=patient.surname,
        given=patient.given,
        sex="F" if patient.is_female else "M",
        mrn=patient.mrn,
        born=printed_date(patient.born, style),
        written=printed_date(case.written, style),
        allergies=case.allergies,
        author=case.author,
    )
    return (Span(text.upper() if style.casing == "upper" else text),)


def _values(path: str, row: Row, case: Case, style: SiteStyle) -> Values:
    """What the templates may name, for one row."""
    values: dict[str, Span | None] = {
        "Pronoun": Span("She" if case.patient.is_female else "He"),
        "Possessive": Span("Her" if case.patient.is_female else "His"),
    }
    for field in type(row).model_fields:
        leaf = getattr(row, field)
        values[field] = Span(leaf.text, (f"{path}.{field}",)) if isinstance(leaf, Leaf) else None
    if isinstance(row, Medication):
        values["prn"] = Span(style.words["prn"], (f"{path}.prn",)) if row.prn else None
        values["status"] = _status(path, row, case, style)
    elif isinstance(row, Diagnosis):
        values |= _assertion(path, row, case, style)
    return values


def _status(path: str, row: Medication, case: Case, style: SiteStyle) -> Span | None:
    is_reconciled = case.document_type is DocumentType.MEDICATION_RECONCILIATION
    if row.status is MedicationStatus.ACTIVE and not is_reconciled:
        return None
    word = style.words.get(row.status.value)
    return Span(word, (f"{path}.status",)) if word else None


def _assertion(path: str, row: Diagnosis, case: Case, style: SiteStyle) -> dict[str, Span | None]:
    index = int(path.partition("[")[2].rstrip("]"))
    relative = case.diagnoses[index].relative
    said = _relative(relative, style) if relative else ""
    word = style.words.get(row.assertion.value, "").format(relative=said)
    return {
        "relative": Span(said) if relative else None,
        "assertion": Span(word, (f"{path}.assertion",)) if word else None,
    }


def _relative(relative: str, style: SiteStyle) -> str:
    word = style.words.get(relative, relative)
    return word.upper() if style.casing == "upper" else word


_Rows = Sequence[tuple[str, Row, Values]]
_Column = tuple[str | Spans, int, list[Spans]]


def _section(section: str, rows: _Rows, case: Case, style: SiteStyle) -> Iterator[Block]:
    is_icu = case.document_type is DocumentType.ICU_FLOWSHEET
    name = "infusions" if section == "medications" and is_icu else section
    form = style.forms[name]
    if section == "medications" and case.document_type is DocumentType.OPERATIVE_NOTE:
        form = style.forms.get("theatre", form)
    elif section == "vitals" and is_icu:
        form = style.forms.get("chart", form)
    yield Heading(style.titles[name])
    if form.kind == "table":
        yield _table(form, rows, style)
    elif form.kind == "grid":
        yield _grid(form, rows, style)
    elif form.kind == "ledger" and form.pair is not None:
        yield _ledger(form.pair, rows, style)
    elif form.kind == "pairs" and form.pair is not None:
        name_template, said_template = form.pair
        yield Pairs(tuple((filled(name_template, v), filled(said_template, v)) for _, _, v in rows))
    elif form.kind == "by_time":
        yield from _by_time(form, rows)
    else:
        lines = [filled(_line(form, row), values) for _, row, values in rows]
        if form.kind == "prose":
            yield Paragraph(_joined(lines, " "))
        else:
            yield from (Paragraph(line, "item") for line in lines)


def _line(form: Form, row: Row) -> str:
    """The template of a row: the one for its assertion or status, else the common one."""
    own = None
    if isinstance(row, Diagnosis):
        own = getattr(form, row.assertion.value)
    elif isinstance(row, Medication) and row.status is MedicationStatus.DISCONTINUED:
        own = form.discontinued
    return str(own or form.line)


def _joined(lines: Sequence[Spans], separator: str) -> Spans:
    spans: list[Span] = []
    for line in lines:
        spans.extend((Span(separator), *line) if spans else line)
    return tuple(spans)


def _table(form: Form, rows: _Rows, style: SiteStyle) -> Table:
    missing: Spans = (Span(style.missing),) if style.missing else ()
    columns: list[_Column] = []
    for heading, template, width in form.columns:
        cells = [filled(template, values) for _, _, values in rows]
        if any(cells) and template not in _BLANK_MEANS_NONE:
            cells = [cell or missing for cell in cells]
        columns.append((heading, width, cells))
    return _table_of(columns)


def _table_of(columns: Sequence[_Column]) -> Table:
    """A table of the columns in which anything stands."""
    shown = [column for column in columns if any(column[2])]
    headings = [(Span(h),) if isinstance(h, str) else h for h, _, _ in shown]
    rows = zip(*(cells for _, _, cells in shown), strict=True)
    return Table(tuple(headings), tuple(rows), tuple(width for _, width, _ in shown))


def _grid(form: Form, rows: _Rows, style: SiteStyle) -> Table:
    """One line per measure, one column per time."""
    names, times = _names(rows), _times(rows)
    lines = [[row for row in rows if row[1].name.text == name] for name in names]
    columns: list[_Column] = [
        (heading, width, [_merged([filled(template, row[2]) for row in line]) for line in lines])
        for heading, template, width in form.columns
    ]
    for time in times:
        column = [row for row in rows if _text(row[2], "taken_at") == time]
        above = _merged([filled("{taken_at}", row[2]) for row in column])
        by_name = {row[1].name.text: filled("{value}", row[2]) for row in column}
        heading = above or (Span(style.titles["value"]),)
        columns.append(
            (heading, _TIME_WIDTH if time else _VALUE_WIDTH, [by_name.get(n, ()) for n in names])
        )
    return _table_of(columns)


def _ledger(pair: tuple[str, str], rows: _Rows, style: SiteStyle) -> Table:
    """One line per time, one column per measure."""
    names, times = _names(rows), _times(rows)
    lines = [[row for row in rows if _text(row[2], "taken_at") == time] for time in times]
    at = [_merged([filled("{taken_at}", row[2]) for row in line]) for line in lines]
    columns: list[_Column] = [(style.titles["time"], _TIME_WIDTH, at)]
    for name in names:
        column = [row for row in rows if row[1].name.text == name]
        above = _merged([filled(pair[0], row[2]) for row in column])
        cells = [filled(pair[1], row[2]) for row in column]
        columns.append((above, _TIME_WIDTH, cells))
    return _table_of(columns)


def _names(rows: _Rows) -> list[str]:
    return list(dict.fromkeys(row.name.text for _, row, _ in rows))


def _times(rows: _Rows) -> list[str]:
    return list(dict.fromkeys(_text(values, "taken_at") for _, _, values in rows))


def _text(values: Values, name: str) -> str:
    span = values.get(name)
    return span.text if span else ""


def _merged(cells: Sequence[Spans]) -> Spans:
    """The first cell, printing the values of all: they read the same."""
    if not cells:
        return ()
    return tuple(
        Span(spans[0].text, tuple(path for span in spans for path in span.paths))
        for spans in zip(*cells, strict=True)
    )


def _by_time(form: Form, rows: _Rows) -> Iterator[Paragraph]:
    """One line per time, all measures in it."""
    for time in _times(rows):
        line = [row for row in rows if _text(row[2], "taken_at") == time]
        above = _merged([filled("{taken_at}", row[2]) for row in line])
        said = _joined([filled(str(form.line), row[2]) for row in line], "; ")
        yield Paragraph((*above, Span(" "), *said) if above else said, "item")


def spans_of(block: Block) -> Iterator[Span]:
    """All spans of a block, in reading order."""
    if isinstance(block, Paragraph):
        yield from block.spans
    elif isinstance(block, Pairs):
        for name, said in block.rows:
            yield from (*name, *said)
    elif isinstance(block, Table):
        for cells in (block.headings, *block.rows):
            for cell in cells:
                yield from cell
