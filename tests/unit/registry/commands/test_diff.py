"""`medley adapter diff`."""

import json
from pathlib import Path

from medley_registry import open_registry

from tests.builders import TINY, adapter_tensors, make_adapter
from tests.unit.registry.commands.shell import medley
from tests.unit.registry.commands.test_alias import add_evidence


def publish(home: Path, fill: int, **config: object) -> None:
    folder = make_adapter(
        home / f"adapter-{fill}",
        fill=fill,
        config=config,
        tensors=adapter_tensors(rank=int(str(config.get("r", 2)))),
    )
    with open_registry(home / "registry") as registry:
        registry.publish(folder, name="notes", base=TINY, actor="ada", round=fill)


def test_versions_are_shown_side_by_side(home: Path) -> None:
    publish(home, 5, r=3, lora_alpha=6)
    add_evidence(home, "notes:1", 0.5)
    add_evidence(home, "notes:3", 0.75)

    lines = medley("adapter", "diff", "notes:1", "notes:3").stdout.splitlines()

    assert lines[:2] == ["old notes:1", "new notes:3"]
    assert lines[3:6] == [
        "CONFIGURATION  OLD  NEW",
        "lora_alpha     4    6",
        "r              2    3",
    ]
    assert ["round", "-", "5"] in [line.split() for line in lines]
    assert any(line.startswith("model.layers.0.self_attn.…") for line in lines)
    assert "q_proj" in " ".join(lines)
    assert lines[-1].split() == ["evaluation", "held-out", "bf16", "f1", "0.5", "0.75", "+0.25"]


def test_the_same_content_differs_in_nothing(home: Path) -> None:
    record = json.loads(medley("adapter", "diff", "notes:1", "notes:1", "--json").stdout)

    assert record["is_same_content"]
    assert (record["config"], record["lineage"], record["evidence"]) == ([], [], [])
    assert {module["distance"] for module in record["modules"]} == {0.0}


def test_the_most_changed_modules_come_first_and_the_rest_can_be_had(home: Path) -> None:
    done = medley("adapter", "diff", "notes:1", "notes:2", "--limit", "1")
    all_of_it = medley("adapter", "diff", "notes:1", "notes:2", "--limit", "0")
    record = json.loads(medley("adapter", "diff", "notes:1", "notes:2", "--json").stdout)

    assert done.stderr == "1 more modules changed less: --limit 0\n"
    assert all_of_it.stderr == ""
    changes = [module["change"] for module in record["modules"]]
    assert changes == sorted(changes, reverse=True)


def test_a_result_of_another_suite_is_not_subtracted(home: Path) -> None:
    add_evidence(home, "notes:1", 0.5)
    medley(
        "adapter", "evidence", "add", "notes:2", "--kind", "evaluation", "--suite", "held-out",
        "--suite-digest", "sha256:" + "6" * 64, "--metric", "f1=0.9",
        "--environment", home / "machine.json",
    )  # fmt: skip

    assert medley("adapter", "diff", "notes:1", "notes:2").stdout.endswith(
        "0.5  0.9  other suite\n"
    )
