import os

import pytest
from medley_server.engine.cpu_defaults import keep_activations


@pytest.mark.parametrize(("set_to", "then"), [(None, "0"), ("1", "1")])
def test_activations_stay_as_they_are_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, set_to: str | None, then: str
) -> None:
    monkeypatch.setenv("VLLM_CPU_INT4_W4A8", set_to or "")
    if set_to is None:
        monkeypatch.delenv("VLLM_CPU_INT4_W4A8")

    keep_activations()

    assert os.environ["VLLM_CPU_INT4_W4A8"] == then
