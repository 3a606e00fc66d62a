import pytest
from medley_training.privacy.config import PrivacyConfig
from pydantic import ValidationError


def test_a_configuration_survives_json() -> None:
    config = PrivacyConfig(mechanism="dp_sgd", clip=0.3, epsilon_budget=8)

    assert PrivacyConfig.model_validate_json(config.model_dump_json()) == config


def test_nothing_is_promised_unless_asked_for() -> None:
    assert PrivacyConfig().mechanism == "none"
    assert PrivacyConfig().epsilon_budget is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"mechanism": "dp"},
        {"clip": 0},
        {"clip": float("inf")},
        {"noise_multiplier": 0},
        {"noise_multiplier": float("nan")},
        {"delta": 0},
        {"delta": 1},
        {"epsilon_budget": 0},
        {"batch_examples": 0},
        {"epsilon": 3},
    ],
)
def test_a_promise_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PrivacyConfig.model_validate(wrong)
