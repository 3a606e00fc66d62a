"""The seeds of the fuzzers, replayed; `python -m tests.fuzz.header --seconds 60` looks for more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.driver import seeds
from tests.fuzz.oracle import check_config, check_header

SEEDS = {name: [seed.read_bytes() for seed in seeds(name)] for name in ("header", "adapter_config")}
CHECKS = {"header": check_header, "adapter_config": check_config}


@pytest.mark.parametrize("name", CHECKS)
def test_what_we_take_from_every_seed_the_library_reads_alike(name: str) -> None:
    assert len(SEEDS[name]) >= 20

    for data in SEEDS[name]:
        CHECKS[name](data)


@pytest.mark.parametrize("name", CHECKS)
@given(data=st.data())
def test_a_seed_with_some_bytes_changed_is_read_alike_or_refused(
    name: str, data: st.DataObject
) -> None:
    changed = bytearray(data.draw(st.sampled_from(SEEDS[name])))
    for _ in range(data.draw(st.integers(1, 3))):
        if changed:
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))

    CHECKS[name](bytes(changed))


@pytest.mark.parametrize("name", CHECKS)
@given(st.binary(max_size=64))
def test_any_recipe_is_read_alike_or_refused(name: str, data: bytes) -> None:
    CHECKS[name](data)
