from pathlib import Path
from typing import Any

import pytest
from medley_training.errors import BadSource, BadSuite
from medley_training.suites.endpoint import Said
from medley_training.suites.golden import GoldenPrompt, golden_prompts
from medley_training.suites.prompts import PromptSuite, prompt_answer


def _prompt(**demands: Any) -> GoldenPrompt:
    return GoldenPrompt(id="a", prompt="?", **demands)


@pytest.mark.parametrize(
    ("demands", "passes", "fails"),
    [
        ({"must_contain": ["0.5 mg"]}, "Take 0.5 MG.", "Take 5 mg."),
        ({"must_contain": [["no", "none"]]}, "None at all", "some"),
        ({"must_not_contain": ["right"]}, "left", "Right"),
        ({"regex": r"^\d+ mmHg$"}, "120 mmHg", "about 120 mmHg"),
        ({"max_chars": 5}, "short", "longer"),
        ({"min_chars": 3}, "yes", "  a "),
        ({}, "anything", "   "),
        ({"is_json": True}, '{"a": 1}', "a: 1"),
    ],
)
def test_an_answer_passes_if_it_meets_every_demand(
    demands: dict[str, Any], passes: str, fails: str
) -> None:
    assert _prompt(**demands).broken_by(passes) == []
    assert len(_prompt(**demands).broken_by(fails)) == 1


def test_what_is_broken_stands_with_the_answer() -> None:
    found = prompt_answer(_prompt(must_contain=["yes"], max_chars=1), Said("no", is_cut=False))

    assert found.item.tallies == {"pass_rate": (0, 1)}
    assert found.details["broken"] == ["lacks 'yes'", "is longer than 1 characters"]
    assert found.truth == '{"max_chars":1,"must_contain":["yes"]}'


def test_the_prompts_that_ship_are_ready_to_ask() -> None:
    found = golden_prompts(None)

    assert len(found) >= 10
    assert all(prompt.chat[-1]["role"] == "user" for prompt in found)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{"id": "a"}', ":1: Value error, give either a prompt or messages"),
        ('\n{"id": "a", "prompt": "?", "regex": "("}', ":2: Value error, regex"),
        ('{"id": "a", "prompt": "?", "must": 1}', ":1: must"),
        ("{", ":1: Invalid JSON"),
        ('{"id": "a", "prompt": "?"}\n{"id": "a", "prompt": "!"}', ":2: there is another"),
        ("", "holds no prompts"),
    ],
)
def test_a_file_that_is_no_golden_set_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    path = tmp_path / "ours.jsonl"
    path.write_text(lines)

    with pytest.raises(BadSource) as caught:
        golden_prompts(path)

    assert f"{path}{said}" in str(caught.value) or said in str(caught.value)


def test_the_digest_does_not_depend_on_the_order() -> None:
    prompts = golden_prompts(None)

    assert PromptSuite(prompts).digest == PromptSuite(prompts[::-1]).digest
    assert PromptSuite(prompts).digest != PromptSuite(prompts[1:]).digest


def test_a_prompts_site_may_not_be_called_like_a_statistic() -> None:
    with pytest.raises(BadSuite, match="no site may be called 'maximum'"):
        PromptSuite((_prompt(site="maximum"),))
