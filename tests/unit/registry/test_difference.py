"""What differs between two versions, as far as the registry knows."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from medley_registry import Digest, Evidence, EvidenceKind, VariantKind, Version, open_registry
from medley_registry.adapter_config import parse_adapter_config
from medley_registry.canonical import Json
from medley_registry.difference import Change, MetricChange, Side, difference
from medley_registry.updates import Weights

from tests.builders import TINY, make_adapter, make_base

SUITE = Digest.of(b"suite")


@pytest.fixture
def version(tmp_path: Path) -> Version:
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        return registry.publish(make_adapter(tmp_path / "a"), name="n", base=TINY, actor="ada")


@pytest.fixture
def side(version: Version, tmp_path: Path) -> Side:
    config = parse_adapter_config((tmp_path / "a" / "adapter_config.json").read_bytes())
    stream = (tmp_path / "a" / "adapter_model.safetensors").open("rb")
    with stream:
        weights = Weights(stream, config)
    return Side(version=version, config={"r": 2}, weights=_Untouched(weights), evidence=())


class _Untouched(Weights):
    """An adapter's weights of which nothing is read."""

    def __init__(self, weights: Weights) -> None:
        self._pairs = {}


def evidence(metrics: dict[str, float], *, suite: Digest = SUITE) -> Evidence:
    return Evidence(
        digest=SUITE,
        adapter="n",
        number=1,
        variant=VariantKind.BF16,
        variant_digest=SUITE,
        kind=EvidenceKind.EVALUATION,
        suite="held-out",
        suite_digest=suite,
        environment={},
        metrics=metrics,
        actor="ada",
        at=datetime(2026, 11, 20, tzinfo=UTC),
    )


def test_keys_of_the_configuration_that_differ_come_in_order(side: Side) -> None:
    new: dict[str, Json] = {"use_rslora": True, "lora_alpha": 4}

    found = difference(side, replace(side, config=new))

    assert found.config == (
        Change("lora_alpha", None, 4),
        Change("r", 2, None),
        Change("use_rslora", None, True),
    )


def test_lineage_has_what_differs(side: Side, version: Version) -> None:
    other = replace(version, round=4, note="warm")

    found = difference(side, replace(side, version=other))

    assert found.lineage == (Change("note", "", "warm"), Change("round", None, 4))


def test_only_the_newest_evidence_counts(side: Side) -> None:
    old = replace(side, evidence=[evidence({"f1": 0.1}), evidence({"f1": 0.5, "exact": 0.2})])
    new = replace(side, evidence=[evidence({"f1": 0.9})])

    assert [(m.metric, m.old, m.new, m.is_same_suite) for m in difference(old, new).evidence] == [
        ("exact", 0.2, None, True),
        ("f1", 0.5, 0.9, True),
    ]


def test_another_content_of_the_suite_is_told(side: Side) -> None:
    old = replace(side, evidence=[evidence({"f1": 0.5})])
    new = replace(side, evidence=[evidence({"f1": 0.5}, suite=Digest.of(b"other"))])

    [change] = difference(old, new).evidence

    assert isinstance(change, MetricChange)
    assert not change.is_same_suite


def test_evidence_of_one_side_is_shown_alone(side: Side) -> None:
    [change] = difference(side, replace(side, evidence=[evidence({"f1": 0.5})])).evidence

    assert (change.old, change.new, change.is_same_suite) == (None, 0.5, False)


def test_the_same_content_is_told(side: Side, version: Version) -> None:
    assert difference(side, side).is_same_content
    other = replace(version, digest=Digest.of(b"x"))
    assert not difference(side, replace(side, version=other)).is_same_content
