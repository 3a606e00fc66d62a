"""The server that an evaluation starts for itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from medley_registry import BaseModel, Registry, VariantKind
from medley_registry.location import Location
from medley_training.suites import sitting
from medley_training.suites.sitting import Own, server

from tests.builders import TINY


def test_it_follows_the_same_registry_and_has_a_key_that_only_the_evaluation_knows(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Location("postgresql://db/medley", "s3://bucket/medley", "ward-3")
    told: dict[str, Any] = {}

    @contextmanager
    def served(base: BaseModel, where: Location, **given: Any) -> Iterator[SimpleNamespace]:
        told.update(given, registry=where)
        yield SimpleNamespace(url="http://127.0.0.1:1")

    monkeypatch.setattr(sitting, "served", served)
    keys = set()
    for _ in range(2):
        own = Own(registry=place, log=tmp_path / "log")
        with server(own, registry.base(TINY), VariantKind.NF4, is_base_alone=True) as address:
            assert told["registry"] is place
            assert told["environment"] == {"MEDLEY_API_KEY": address.own_key}
            assert (told["variant"], told["max_loras"]) == (VariantKind.NF4, 0)
            keys.add(address.own_key)

    assert len(keys) == 2
