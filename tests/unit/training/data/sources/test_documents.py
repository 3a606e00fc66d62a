import json
from pathlib import Path

import pytest
from medley.records import DocumentType
from medley_training.data.config import DataConfig
from medley_training.data.sources.catalogue import load_source
from medley_training.documents.styles import STYLES
from medley_training.errors import BadSource, RecipeError


def test_each_site_writes_in_its_own_style() -> None:
    config = DataConfig(source="documents", examples_per_site=10)

    found = load_source(config, STYLES[:2], 7)

    assert [each.site for each in found] == [site for site in STYLES[:2] for _ in range(10)]
    assert {each.label for each in found} == {each.value for each in DocumentType}
    assert len({each.group for each in found}) == 20
    for each in found:
        prompt, completion = (message.content for message in each.example.messages)
        assert prompt.startswith("Extract the medications")
        assert json.loads(completion)


def test_a_pool_is_made_in_all_styles_whoever_it_is_for() -> None:
    config = DataConfig(source="documents", partition="by_label", examples_per_site=10)

    found = load_source(config, ["a", "b", "c"], 7)

    assert {each.site for each in found} == set(STYLES)
    assert len(found) == 30


def test_only_the_types_asked_for_are_made() -> None:
    config = DataConfig(
        source="documents", examples_per_site=3, document_types=(DocumentType.LAB_PANEL,)
    )

    assert {each.label for each in load_source(config, STYLES[:1], 7)} == {"lab_panel"}


def test_the_seed_decides_every_document() -> None:
    config = DataConfig(source="documents", examples_per_site=4)

    assert load_source(config, STYLES[:1], 7) == load_source(config, STYLES[:1], 7)
    texts = {each.digest for seed in (7, 8) for each in load_source(config, STYLES[:1], seed)}
    assert len(texts) == 8


def test_a_site_without_a_style_is_refused() -> None:
    with pytest.raises(RecipeError, match="no site style 'moon'; there are lakeside"):
        load_source(DataConfig(source="documents"), ["moon"], 7)


def test_a_lexicon_that_is_not_there_is_refused(tmp_path: Path) -> None:
    config = DataConfig(source="documents", lexicon=tmp_path)

    with pytest.raises(BadSource, match="holds no vocabulary"):
        load_source(config, STYLES[:1], 7)


def test_a_larger_lexicon_gives_other_documents(tmp_path: Path) -> None:
    file = tmp_path / "disease-ontology" / "ICD10inDO.tsv"
    file.parent.mkdir()
    rows = (f"DOID:{n}\tmade up disease {n}\tICD10CM:A0{n % 10}.{n % 9}" for n in range(90))
    file.write_text("\n".join(["id\tlabel\txrefs", *rows]) + "\n")
    config = DataConfig(source="documents", examples_per_site=20)

    larger = load_source(config.model_copy(update={"lexicon": tmp_path}), STYLES[:1], 7)

    assert any("disease" in each.example.messages[1].content for each in larger)
    assert larger != load_source(config, STYLES[:1], 7)
