"""Normal forms of generated documents of all sites and types are what the generator meant."""

from collections import Counter
from collections.abc import Iterator

from medley_server.normal_forms import Conventions, normal_form
from medley_training.documents.document import Document, documents

AS_PRINTED = {"medications.indication", "diagnoses.name", "procedures.name"}
"""Free text, which has no table of ours."""
BY_CONSTRUCTION = {
    # The generator's keys are not what these mean on a ward: four times daily is not every six
    # hours, and AC is before meals.
    ("medications.frequency", "QDS"),
    ("medications.frequency", "1-1-1-1"),
    ("medications.frequency", "AC"),
    # One site prints TOP for two routes.
    ("medications.route", "TOP"),
    # Urea is not urea nitrogen; and nothing says that a blood gas is arterial.
    ("labs.name", "Urea"),
    ("labs.name", "Harnstoff"),
    *(("labs.name", name) for name in ("pH", "PH", "pCO2", "PCO2", "pO2", "PO2")),
}
DATES = "procedures.performed_on"


def disagreements(document: Document) -> Iterator[tuple[str, str, str, str, bool, bool]]:
    conventions = Conventions.of(document.text)
    rows = dict(document.truth.rows())
    for path, leaf in document.truth.leaves():
        start, _, field = path.rpartition(".")
        section, row = path.partition("[")[0], rows[start]
        value = getattr(row, "value", None)
        found = normal_form(
            section,
            field,
            leaf.text,
            conventions=conventions,
            name=row.name.text,
            value=value.text if value else "",
        )
        kind = f"{section}.{field}"
        yield kind, leaf.text, leaf.value, found.value, found.is_known, found.value == leaf.value


def test_normal_forms_agree_with_the_generator_but_for_what_is_ambiguous() -> None:
    count, agreed = 0, Counter[bool]()
    unexplained = []
    for length in ("short", "full"):
        for document in documents(13, count=15, length=length):
            for kind, text, meant, found, is_known, agrees in disagreements(document):
                if kind in AS_PRINTED:
                    continue
                count += 1
                agreed[agrees] += 1
                is_open_date = kind == DATES and not is_known
                if not agrees and not is_open_date and (kind, text) not in BY_CONSTRUCTION:
                    unexplained.append((document.name, kind, text, meant, found))

    assert unexplained == []
    assert count > 5000
    assert agreed[True] / count > 0.98
