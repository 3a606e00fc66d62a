from dataclasses import replace

import pytest
from medley_registry import Registry, Version
from medley_server.checks import check_fits
from medley_server.engine.fake import FakeEngine
from medley_server.engine.slots import Slots
from medley_server.errors import AdapterUnavailable
from medley_server.served_base import ServedBase

from tests.builders import TINY


def test_slots_hold_the_highest_rank_and_every_module_of_the_registry(
    versions: list[Version],
) -> None:
    wide = replace(versions[1], rank=17, target_modules=("o_proj",))

    assert Slots.sized_for([versions[0], wide]) == Slots(4, 32, ("o_proj", "q_proj", "v_proj"))


def test_an_empty_registry_gets_slots_on_every_module() -> None:
    assert Slots.sized_for([]) == Slots(in_one_batch=4, rank=16, modules=())


def test_what_the_slots_cannot_hold_is_refused_with_the_reason(
    registry: Registry, versions: list[Version]
) -> None:
    base = ServedBase.as_it_is(registry.base(TINY))
    facts = FakeEngine(max_lora_rank=8).facts
    narrow = replace(facts, lora_modules=("q_proj",))

    check_fits(versions[0], base, facts)
    with pytest.raises(AdapterUnavailable, match="changes v_proj"):
        check_fits(versions[0], base, narrow)
    with pytest.raises(AdapterUnavailable, match="rank 16"):
        check_fits(replace(versions[0], rank=16), base, facts)
    with pytest.raises(AdapterUnavailable, match="is for base"):
        check_fits(replace(versions[0], base_id=versions[0].digest), base, facts)


def test_an_engine_for_the_base_alone_gets_no_slots(versions: list[Version]) -> None:
    assert Slots.sized_for(versions, 0).in_one_batch == 0
