from pathlib import Path

import pytest
from medley_training.data.config import DataConfig
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"source": "medmcqa"}, "medmcqa needs a path"),
        ({"source": "documents", "path": "x"}, "documents are generated: leave path out"),
        (
            {"source": "jsonl", "path": "x", "lexicon": "y"},
            "lexicon is only for the source documents and segments, not jsonl",
        ),
        (
            {"source": "medmcqa", "path": "x", "official_test": True},
            "official_test is only for the source pubmedqa, not medmcqa",
        ),
        ({"source": "web"}, "Input should be 'demo_notes', 'documents'"),
        ({"source": "demo_notes", "alpha": 0}, "greater than 0"),
        ({"source": "demo_notes", "held_out_share": 1}, "less than 1"),
        ({"source": "demo_notes", "shares": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        DataConfig.model_validate(values)


def test_a_configuration_survives_json_with_its_defaults_filled_in() -> None:
    config = DataConfig(source="pubmedqa", path=Path("x"), official_test=True)

    assert DataConfig.model_validate_json(config.model_dump_json()) == config
