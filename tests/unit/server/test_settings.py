from dataclasses import replace

import pytest
from medley_server.errors import CannotStart
from medley_server.settings import ServeSettings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_address_needs_no_key(settings: ServeSettings, host: str) -> None:
    local = replace(settings, host=host)

    local.check_keys(has_access_keys=False)
    assert local.is_local


@pytest.mark.parametrize(
    "flag", ["--host", "--host=0.0.0.0", "--api_key", "--no-enable-lora", "--served-model"]
)
def test_vllm_is_not_told_what_medley_decides(settings: ServeSettings, flag: str) -> None:
    with pytest.raises(CannotStart, match="medley serve's own"):
        replace(settings, engine_flags=("--max-model-len", "2048", flag))


@pytest.mark.parametrize(
    "flag",
    [
        *("--quantization", "--quantization=awq", "-q", "-qawq", "--quantization_config"),
        *("--load-format=dummy", "--load-f", "--hf_overrides", "--hf-overrides.a", "--config"),
    ],
)
def test_vllm_is_not_told_to_serve_other_weights_than_the_variants(
    settings: ServeSettings, flag: str
) -> None:
    with pytest.raises(CannotStart, match=f"{flag} is not for vLLM here: .*--variant"):
        replace(settings, engine_flags=(flag,))


@pytest.mark.parametrize(
    "flags",
    [("--dtype", "float16"), ("--config-format", "hf"), ("--max-lora-rank", "8"), ("--chat", "")],
)
def test_vllm_may_be_told_the_rest(settings: ServeSettings, flags: tuple[str, ...]) -> None:
    assert replace(settings, engine_flags=flags).engine_flags == flags


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "gpu-1.example.org"])
def test_an_address_others_can_reach_needs_a_key(settings: ServeSettings, host: str) -> None:
    with pytest.raises(CannotStart, match="MEDLEY_API_KEY"):
        replace(settings, host=host).check_keys(has_access_keys=False)

    replace(settings, host=host, api_keys=("k",)).check_keys(has_access_keys=False)
    replace(settings, host=host).check_keys(has_access_keys=True)
