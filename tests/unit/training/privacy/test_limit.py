"""A site's own bound on what is spent, whatever it is asked."""

import pytest
from medley_training.errors import TaskRefused
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.limit import PrivacyLimit


def asked(**values: object) -> dict[str, object]:
    return PrivacyConfig.model_validate({"mechanism": "dp_sgd", **values}).model_dump(mode="json")


@pytest.mark.parametrize(("budget", "kept"), [(None, 3.0), (8.0, 3.0), (2.0, 2.0)])
def test_the_lower_of_the_two_budgets_holds(budget: float | None, kept: float) -> None:
    found = PrivacyLimit(epsilon=3.0).within(asked(epsilon_budget=budget, clip=0.3))

    assert found == asked(epsilon_budget=kept, clip=0.3)


def test_a_task_without_differential_privacy_is_refused() -> None:
    with pytest.raises(TaskRefused, match="differential privacy only, within epsilon 3"):
        PrivacyLimit(epsilon=3.0).within(asked(mechanism="none"))


def test_a_delta_that_flatters_epsilon_is_refused() -> None:
    limit = PrivacyLimit(epsilon=3.0, delta=1e-6)

    assert limit.within(asked(delta=1e-6))
    with pytest.raises(TaskRefused, match="allows 1e-06 at most"):
        limit.within(asked(delta=1e-5))


def test_privacy_of_another_form_is_refused() -> None:
    with pytest.raises(TaskRefused, match="form"):
        PrivacyLimit(epsilon=3.0).within({"mechanism": "trust me"})
