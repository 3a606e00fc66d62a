import json
from pathlib import Path

import pytest
from medley.records import DocumentType
from medley_training.documents.document import documents
from medley_training.documents.extraction import INSTRUCTION, answer_of, completion
from medley_training.documents.files import write_document
from medley_training.errors import BadSource, BadSuite
from medley_training.suites.document_set import made_up, read_documents
from medley_training.suites.endpoint import Said
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.extraction import ExtractionSuite, document_answer
from medley_training.suites.measures import measured

from tests.unit.training.suites.fake_server import FakeServer

SITES = ("harbor", "lakeside")
[PANEL] = made_up(1, sites=["harbor"], types=[DocumentType.LAB_PANEL], per_site=1)


def _tallies(answer: dict[str, object] | str) -> dict[str, float]:
    said = answer if isinstance(answer, str) else json.dumps(answer)
    found = document_answer(PANEL, Said(said, is_cut=False))
    return measured([found.item])


def test_the_right_answer_has_full_marks() -> None:
    found = _tallies(completion(PANEL.truth))

    assert {found[name] for name in ("field_f1", "term_f1", "value_f1", "row_exact_f1")} == {1}
    assert (found["document_exact"], found["json_valid"], found["json_invalid"]) == (1, 1, 0)
    assert (found["critical_errors"], found["false_fills"]) == (0, 0)


def test_no_json_is_invalid_and_every_metric_is_still_counted() -> None:
    right, found = _tallies(completion(PANEL.truth)), _tallies("I cannot do that.")

    assert found.keys() == right.keys()
    assert (found["json_invalid"], found["field_f1"], found["value_f1"]) == (1, 0, 0)


def test_a_decimal_point_that_slipped_is_critical() -> None:
    answer = answer_of(PANEL.truth)
    value = str(answer["labs"][0]["value"])
    answer["labs"][0]["value"] = value.replace(".", "") if "." in value else f"{value}0"

    found = _tallies(dict(answer))

    assert found["critical_errors"] == 1
    assert found["term_f1"] == 1
    assert found["value_f1"] < 1
    assert found["document_exact"] == 0


def test_a_list_that_the_document_does_not_have_is_a_false_fill() -> None:
    answer = answer_of(PANEL.truth) | {"vitals": [{"name": "HR", "value": "88"}]}

    assert _tallies(dict(answer))["false_fills"] > 0


def test_what_is_made_up_for_evaluation_is_not_what_recipes_learn_from() -> None:
    learnt = {made.text for made in documents(1, count=5)}

    held_out = made_up(1, sites=(), types=(), per_site=5)

    assert len(held_out) == 25
    assert not {document.text for document in held_out} & learnt


def test_a_folder_of_documents_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = list(documents(3, count=3, styles=SITES))
    for document in made:
        write_document(document, tmp_path, ["text", "pdf"])

    found = read_documents(tmp_path, sites=(), types=(), per_site=2)

    assert [read.site for read in found] == ["harbor", "harbor", "lakeside", "lakeside"]
    by_name = {document.name: document for document in made}
    for read in found:
        written = by_name[read.name]
        assert (read.text, read.truth, read.site) == (written.text, written.truth, written.style)


def test_a_folder_for_each_site_names_the_sites(tmp_path: Path) -> None:
    for number, site in enumerate(("north", "south")):
        (tmp_path / site).mkdir()
        [document] = documents(number, count=1, styles=["harbor"])
        write_document(document, tmp_path / site, ["text"])

    found = read_documents(tmp_path, sites=["south"], types=(), per_site=None)

    assert [document.site for document in found] == ["south"]


@pytest.mark.parametrize("site", ["minimum", "ci_low", "north/harmonic_mean"])
def test_a_site_whose_metrics_would_pass_for_statistics_is_refused(
    tmp_path: Path, site: str
) -> None:
    (tmp_path / site).mkdir(parents=True)
    write_document(next(iter(documents(0, count=1))), tmp_path / site, ["text"])

    with pytest.raises(BadSuite, match=f"no site may be called '{site}'"):
        read_documents(tmp_path, sites=(), types=(), per_site=None)


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="holds no documents"):
        read_documents(tmp_path, sites=(), types=(), per_site=None)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(BadSource, match=r"a\.json is no record"):
        read_documents(tmp_path, sites=(), types=(), per_site=None)


async def test_each_document_is_an_item_of_its_site(
    server: FakeServer, model: EvaluatedModel
) -> None:
    held_out = made_up(0, sites=SITES, types=(), per_site=3)
    truths = {INSTRUCTION + each.text: completion(each.truth) for each in held_out}
    server = FakeServer(truths.__getitem__)
    server.digests[model.name] = str(model.digest)

    async with server.endpoint() as endpoint:
        found = await ExtractionSuite(held_out).ask(endpoint, model, lambda done, total: None)

    assert [answer.item.name for answer in found.answers] == [each.name for each in held_out]
    assert [answer.item.site for answer in found.answers] == [each.site for each in held_out]
    metrics = measured([answer.item for answer in found.answers])
    assert (metrics["document_exact"], metrics["field_f1/minimum"]) == (1, 1)


def test_the_digest_is_of_what_is_asked_and_how() -> None:
    held_out = made_up(0, sites=SITES, types=(), per_site=2)
    digest = ExtractionSuite(held_out).digest

    assert ExtractionSuite(held_out[::-1]).digest == digest
    assert ExtractionSuite(held_out[1:]).digest != digest
    assert ExtractionSuite(held_out, max_tokens=16).digest != digest
