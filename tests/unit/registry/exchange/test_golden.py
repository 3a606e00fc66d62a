"""The files made from a record, byte for byte, and read by those they are made for."""

import json
from dataclasses import replace

import pytest
import yaml  # type: ignore[import-untyped]
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from medley_registry.exchange.bom import bill_of_materials
from medley_registry.exchange.card import model_card
from medley_registry.exchange.record import VersionRecord
from medley_registry.exchange.record_reader import read_record
from medley_registry.lineage import Lineage

from tests.unit.registry.exchange import sample
from tests.unit.registry.exchange.sample import make_record


def bare() -> VersionRecord:
    """A version of which hardly anything is known."""
    record = make_record()
    version = replace(record.version, lineage=Lineage(), round=None, note="")
    return replace(
        record, version=version, variants=record.variants[:1], evidence=(), signatures=()
    )


@pytest.mark.parametrize("name", ["card.md", "version.json", "bom.cdx.json"])
def test_a_record_makes_the_files_it_always_made(name: str) -> None:
    assert sample.golden_files()[name] == (sample.GOLDEN / name).read_bytes()


def test_the_hub_reads_the_card() -> None:
    from huggingface_hub import ModelCard

    data = ModelCard((sample.GOLDEN / "card.md").read_text()).data

    assert data.base_model == "example/Tiny-1B"
    assert data.to_dict()["base_model_relation"] == "adapter"
    assert (data.library_name, data.license) == ("peft", "apache-2.0")
    assert data.tags == ["lora", "medley"]
    assert [
        (result.dataset_name, result.metric_type, result.metric_value)
        for result in data.eval_results or []
    ] == [("held | out", "f1", 0.875), ("held | out", "loss", 1e-07)]


def test_a_card_has_no_field_but_ours() -> None:
    _, front_matter, _ = (sample.GOLDEN / "card.md").read_text().split("---\n", 2)

    assert yaml.safe_load(front_matter).keys() == {
        "base_model",
        "base_model_relation",
        "library_name",
        "license",
        "model-index",
        "pipeline_tag",
        "tags",
    }


@pytest.mark.parametrize("claimed", ["", "/models/tiny", "a/b/c", "x\nlicense: mit", "../up"])
def test_a_base_that_is_no_repository_is_called_as_here(claimed: str) -> None:
    card = model_card(make_record(), claimed_base=claimed)

    assert card.startswith('---\nbase_model: "tiny"\n')
    assert 'from_pretrained("tiny")' in card


def test_a_card_of_a_bare_version_says_what_is_not_known() -> None:
    card = model_card(bare())

    assert "model-index" not in card
    assert "license" not in card
    assert "The version stands alone." in card
    assert "None was recorded." in card
    assert "The version is not signed." in card


@pytest.mark.parametrize("record", [make_record(), bare()], ids=["full", "bare"])
def test_the_bill_of_materials_keeps_to_its_schema(record: VersionRecord) -> None:
    bill = bill_of_materials(record, readme=sample.README).decode()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill) is None


def test_the_bill_names_what_the_version_came_from() -> None:
    record = make_record()
    bill = json.loads(bill_of_materials(record, readme=sample.README))
    version = bill["metadata"]["component"]

    assert version["hashes"] == [{"alg": "SHA-256", "content": record.version.digest.hex}]
    assert [each["name"] for each in version["pedigree"]["ancestors"]] == [
        "notes:6",
        "hospital-a",
        "hospital-b",
    ]
    assert bill["dependencies"][0]["dependsOn"] == [str(record.base.base_id)]
    assert version["licenses"] == [{"license": {"name": "apache-2.0"}}]
    assert [
        (metric["type"], metric["value"])
        for metric in version["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    ] == [("f1", "0.875"), ("loss", "1e-07"), ("tokens_per_s", "412.0")]


def test_other_facts_make_another_serial_number() -> None:
    serials = {
        json.loads(bill_of_materials(record))["serialNumber"] for record in (make_record(), bare())
    }

    assert len(serials) == 2


@pytest.mark.parametrize("record", [make_record(), bare()], ids=["full", "bare"])
def test_a_record_is_read_back_as_it_was(record: VersionRecord) -> None:
    read = read_record(record.to_json())

    assert read == record
    assert read.to_json() == record.to_json()
