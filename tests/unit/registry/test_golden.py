import json
from pathlib import Path
from typing import Any

import pytest
from medley_registry import AdmissionRefused, Registry, open_registry
from medley_registry.admission import examine
from medley_registry.golden import GOLDEN_LIMIT_BYTES, GoldenPrompt, GoldenPrompts, parse_golden

from tests.builders import MODULES, TINY, make_adapter, make_base

PROMPT = {"prompt": "2 + 2 =", "answer": " 4", "tokens": 2, "logprob": -0.25}
GOOD: dict[str, Any] = {"schema": 1, "prompts": [PROMPT], "tolerance": 0.05}


def text(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_a_file_is_read_as_it_was_written() -> None:
    golden = GoldenPrompts(
        (GoldenPrompt(prompt="2 + 2 =", answer=" 4", tokens=2, logprob=-0.25),), 0.05
    )

    assert parse_golden(golden.to_json()) == golden == parse_golden(text())


BAD = {
    "not JSON": b"{",
    "a list": b"[]",
    "NaN": text().replace(b"-0.25", b"NaN"),
    "an infinity": text().replace(b"-0.25", b"-1e999"),
    "a key twice": text().replace(b'"schema": 1', b'"schema": 1, "schema": 1'),
    "a key too many": text(more=1),
    "a key too few": b'{"schema": 1}',
    "another schema": text(schema=2),
    "a schema that is no number": text(schema=True),
    "no prompts": text(prompts=[]),
    "too many prompts": text(prompts=[PROMPT] * 17),
    "prompts that are none": text(prompts={"prompt": 1}),
    "a prompt that is no object": text(prompts=["2 + 2 ="]),
    "a prompt without text": text(prompts=[PROMPT | {"prompt": ""}]),
    "an answer that is no text": text(prompts=[PROMPT | {"answer": 4}]),
    "no tokens": text(prompts=[PROMPT | {"tokens": 0}]),
    "half a token": text(prompts=[PROMPT | {"tokens": 1.5}]),
    "tokens that are a truth": text(prompts=[PROMPT | {"tokens": True}]),
    "too many tokens": text(prompts=[PROMPT | {"tokens": 1025}]),
    "a probability above one": text(prompts=[PROMPT | {"logprob": 0.1}]),
    "a logprob that is no number": text(prompts=[PROMPT | {"logprob": "-0.25"}]),
    "no tolerance": text(tolerance=0),
    "any tolerance": text(tolerance=3),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_not_exactly_the_format_is_refused(data: bytes) -> None:
    with pytest.raises(AdmissionRefused, match="rule golden-"):
        parse_golden(data)


def test_no_refusal_quotes_a_prompt() -> None:
    with pytest.raises(AdmissionRefused) as refused:
        parse_golden(text(prompts=[PROMPT | {"tokens": 0, "prompt": "Mrs Canary"}]))

    assert "Canary" not in str(refused.value)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = open_registry(tmp_path / "registry", create=True)
    registry.add_base(TINY, make_base(tmp_path / "base"), actor="t")
    return registry


def test_golden_prompts_are_a_file_of_the_version_and_covered_by_its_digest(
    registry: Registry, tmp_path: Path
) -> None:
    folder = make_adapter(tmp_path / "note")
    without = registry.publish(folder, name="note", base=TINY, actor="t")
    (folder / "golden.json").write_bytes(text())
    version = registry.publish(folder, name="note", base=TINY, actor="t")
    (folder / "golden.json").write_bytes(text(tolerance=0.06))
    other = registry.publish(folder, name="note", base=TINY, actor="t")

    out = registry.pull(version, tmp_path / "out")

    assert (out / "golden.json").read_bytes() == text()
    assert len({without.digest, version.digest, other.digest}) == 3


@pytest.mark.parametrize("data", [b"{}", text() + b" " * GOLDEN_LIMIT_BYTES])
def test_golden_prompts_that_are_wrong_keep_an_adapter_out(tmp_path: Path, data: bytes) -> None:
    folder = make_adapter(tmp_path / "note")
    (folder / "golden.json").write_bytes(data)

    with pytest.raises(AdmissionRefused):
        examine(folder, module_shapes=MODULES)


def test_golden_prompts_come_along_from_one_registry_to_another(
    registry: Registry, tmp_path: Path
) -> None:
    from medley_registry.exchange.exporting import export_version
    from medley_registry.exchange.importing import import_version

    folder = make_adapter(tmp_path / "note")
    (folder / "golden.json").write_bytes(text())
    version = registry.publish(folder, name="note", base=TINY, actor="t")
    package = export_version(registry, version.reference, tmp_path / "package")

    with open_registry(tmp_path / "there", create=True) as there:
        there.add_base(TINY, tmp_path / "base", actor="t")
        assert import_version(there, package, actor="t").digest == version.digest
