from pathlib import Path
from zipfile import ZipFile

import pytest
from medley.records import DocumentType
from medley_training.documents.document import generate
from medley_training.documents.lexicon import Lexicon, compact_lexicon
from medley_training.documents.vocabularies import larger_lexicon
from medley_training.errors import BadSource

PRODUCTS = """\
Ingredient~DF;Route~Trade_Name~Strength~RLD~Type
CABERGOLINE~TABLET;ORAL~CABERGOLINE~0.5MG~No~RX
CABERGOLINE~TABLET;ORAL~DOSTINEX~.25MG~Yes~RX
FELODIPINE~TABLET;ORAL~PLENDIL~10MG~Yes~DISCN
AMLODIPINE; BENAZEPRIL~CAPSULE;ORAL~LOTREL~5MG;20MG~Yes~RX
CYCLOBENZAPRINE~TABLET;ORAL~FLEXERIL~EQ 5MG BASE~No~RX
ROTIGOTINE~FILM;TRANSDERMAL~NEUPRO~25MCG/HR~Yes~RX
METFORMIN~TABLET;ORAL~METFORMIN~625MG~No~RX
DAPSONE~GEL;TOPICAL~ACZONE~7.5%~Yes~RX
MILRINONE~INJECTABLE;INJECTION~MILRINONE~EQ 20MG BASE/100ML~No~RX
"""
DISEASES = """\
id\tlabel\txrefs
"DOID:1"\t"nickel allergic contact dermatitis"\t"ICD10CM:L23.0"
"DOID:2"\t"gout"\t"ICD10CM:M10"
"DOID:3"\t"something without a code"\t"MESH:D1"
"DOID:4"\t"an extraordinarily long name of a disease, with a comma"\t"ICD10CM:Q99.9"
"""
LABELS = """\
itemid,label,fluid,valueuom,labevents_row_count
1,Ammonia,Blood,umol/L,9000
2,Ammonia,Urine,umol/L,9000
3,Anti-Something,Blood,umol/L,3
4,Red Top Hold,Blood,,180716
5,Sodium,Blood,mEq/L,3277103
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("orange-book", "disease-ontology", "mimic-code"):
        (tmp_path / name).mkdir()
    with ZipFile(tmp_path / "orange-book" / "book.zip", "w") as book:
        book.writestr("products.txt", PRODUCTS)
    (tmp_path / "disease-ontology" / "ICD10inDO.tsv").write_text(DISEASES, encoding="utf-8")
    (tmp_path / "mimic-code" / "d_labitems_to_loinc.csv").write_text(LABELS, encoding="utf-8-sig")
    return tmp_path


def _added(lexicon: Lexicon, terms: str) -> dict[str, object]:
    known = {term.name for term in getattr(compact_lexicon(), terms)}
    return {term.name: term for term in getattr(lexicon, terms) if term.name not in known}


def test_drugs_come_with_their_strengths_and_brands(folder: Path) -> None:
    lexicon = larger_lexicon(folder)
    added = [drug for drug in lexicon.drugs if drug.name in _added(lexicon, "drugs")]

    assert [(drug.name, drug.brand, drug.route, drug.strengths) for drug in added] == [
        ("cabergoline", "Dostinex", "oral", ("0.5 mg", "0.25 mg")),
        ("cyclobenzaprine", None, "oral", ("5 mg",)),
        ("dapsone", "Aczone", "topical", ("7.5 %",)),
        ("rotigotine", "Neupro", "transdermal", ("25 mcg/h",)),
    ]


def test_diagnoses_come_with_their_codes(folder: Path) -> None:
    lexicon = larger_lexicon(folder)

    assert set(_added(lexicon, "diagnoses")) == {"nickel allergic contact dermatitis"}
    assert lexicon.diagnoses[-1].code == "L23.0"


def test_laboratory_tests_come_with_units_but_without_ranges(folder: Path) -> None:
    lexicon = larger_lexicon(folder)

    assert set(_added(lexicon, "labs")) == {"Ammonia"}
    ammonia = lexicon.labs[-1]
    assert ammonia.customary.ucum == "umol/L"
    assert not ammonia.has_reference


def test_the_compact_entry_of_a_drug_is_kept(folder: Path) -> None:
    metformin = next(drug for drug in larger_lexicon(folder).drugs if drug.name == "metformin")

    assert "625 mg" not in metformin.strengths


def test_documents_are_made_from_it(folder: Path) -> None:
    lexicon = larger_lexicon(folder)
    panels = [
        generate(
            1,
            document_type=DocumentType.LAB_PANEL,
            style="lakeside",
            number=number,
            length="full",
            lexicon=lexicon,
        )
        for number in range(8)
    ]

    ammonia = [lab for panel in panels for lab in panel.truth.labs if lab.name.value == "Ammonia"]
    assert len({lab.value.text for lab in ammonia}) > 1
    assert all(lab.reference_range is None and lab.flag is None for lab in ammonia)


def test_one_file_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "disease-ontology").mkdir()
    (tmp_path / "disease-ontology" / "ICD10inDO.tsv").write_text(DISEASES, encoding="utf-8")

    assert larger_lexicon(tmp_path).drugs == compact_lexicon().drugs


def test_a_folder_without_any_of_them_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="holds no vocabulary"):
        larger_lexicon(tmp_path)


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("orange-book/book.zip", "no archive", "not a zip file"),
        ("disease-ontology/ICD10inDO.tsv", "id\tname\n1\tgout\n", "has no xrefs"),
        ("mimic-code/d_labitems_to_loinc.csv", "label\nSodium\n", "has no valueuom"),
    ],
)
def test_a_file_in_another_form_is_named(
    folder: Path, path: str, content: str, reason: str
) -> None:
    (folder / path).write_text(content, encoding="utf-8")

    with pytest.raises(BadSource, match=reason) as refused:
        larger_lexicon(folder)

    assert Path(path).name in str(refused.value)
