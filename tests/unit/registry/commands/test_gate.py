"""A policy from a file, and decisions that explain themselves."""

import json
from pathlib import Path

import pytest

from tests.builders import make_adapter, make_base
from tests.unit.registry.commands.shell import Done, medley

POLICY = """
[[compare]]
suite = "documents"
metric = "f1"
margin = 0.05
over = "each-site"
"""


@pytest.fixture
def measured(empty_home: Path) -> Path:
    """`notes` in two versions: the first in production, the second worse at one hospital."""
    make_base(empty_home / "base")
    medley("registry", "init")
    medley("base", "add", "tiny", empty_home / "base")
    (empty_home / "machine.json").write_text('{"device": "cpu"}')
    (empty_home / "gate.toml").write_text(POLICY)
    for number, (north, south) in enumerate([(8, 8), (9, 6)], 1):
        make_adapter(empty_home / str(number), fill=number)
        medley("adapter", "publish", empty_home / str(number), "--name", "notes", "--base", "tiny")
        lines = [line(n, "north", north) for n in range(10)]
        lines += [line(n, "south", south) for n in range(10)]
        (empty_home / "items.jsonl").write_text("\n".join(lines))
        done = add_evidence(empty_home, number, f1=(north + south) / 20)
        assert done.exit_code == 0, done.stderr
    medley("adapter", "promote", "notes:1")
    return empty_home


def add_evidence(home: Path, number: int, *, f1: float) -> Done:
    told = ["--kind", "evaluation", "--suite", "documents", "--suite-digest", f"sha256:{7:064}"]
    files = ["--items", str(home / "items.jsonl"), "--environment", str(home / "machine.json")]
    return medley(
        *f"adapter evidence add notes:{number}".split(), *told, "--metric", f"f1={f1}", *files
    )


def line(number: int, site: str, right: int) -> str:
    name = f"{site}-{number}"
    item = {"item": name, "cluster": name, "site": site, "tallies": {"f1": [right, 10]}}
    return json.dumps(item)


def test_a_refusal_explains_itself_with_every_number(measured: Path) -> None:
    protected = medley("adapter", "protect", "notes", "--policy", measured / "gate.toml")
    refused = medley("adapter", "promote", "notes:2", "--explain")

    assert "documents: f1 (each-site) within 0.05 (bf16)" in protected.stdout
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: 'notes@production' is protected")
    assert "notes:2 for notes@production: refused (policy 1, against notes:1)" in refused.stdout
    (south,) = [row for row in refused.stdout.splitlines() if row.startswith("south")]
    assert south.split() == ["south", "0.6", "0.8", "-0.2", "-0.2", "1", "1", "10", "LACKS"]
    assert medley("adapter", "decisions", "notes", "--explain").stdout == refused.stdout
    assert "refused" in medley("adapter", "decisions", "notes").stdout


def test_what_a_version_lacks_is_shown_without_a_decision(measured: Path) -> None:
    medley("adapter", "protect", "notes", "--policy", measured / "gate.toml")

    shown = medley("adapter", "protect", "notes", "--for", "notes:2").stdout

    assert "south 0.6 against 0.8" in shown
    assert json.loads(medley("adapter", "decisions", "notes", "--json").stdout) == []


def test_an_alias_that_demands_nothing_says_so(measured: Path) -> None:
    done = medley("adapter", "promote", "notes:2", "--explain")

    assert done.exit_code == 0
    assert done.stderr == "notes@production demanded nothing\n"


def test_an_old_decision_is_not_told_as_the_reason_of_a_later_move(measured: Path) -> None:
    medley("adapter", "protect", "notes", "--policy", measured / "gate.toml")
    medley("adapter", "promote", "notes:2")
    medley("adapter", "protect", "notes", "--clear")

    done = medley("adapter", "promote", "notes:2", "--explain", "--json")

    assert done.stderr == "notes@production demanded nothing\n"
    assert json.loads(done.stdout)["number"] == 2


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("[[compare]]\nsuite = 'a'\nmetric = 'b'", "compare.0.margin: Field required"),
        (POLICY + "marign = 1", "compare.0.marign: Extra inputs are not permitted"),
        (POLICY.replace("0.05", "'0.05'"), "compare.0.margin: Input should be a valid number"),
        (POLICY.replace("each-site", "every"), "compare.0.over: Input should be 'items', 'worst-"),
        (POLICY.replace("0.05", "0"), "a margin is above 0"),
        ("significance = 0.5\n" + POLICY, "a significance is 0.01 to 0.2"),
        ("# nothing", "it demands nothing"),
        ("x = " + "[" * 5000, "is no TOML"),
        ("x = ", "is no TOML"),
        ("signers = ['ffff']", "ffff"),
    ],
)
def test_a_policy_that_is_none_is_refused_by_what_is_wrong(
    measured: Path, text: str, because: str
) -> None:
    (measured / "gate.toml").write_text(text)

    done = medley("adapter", "protect", "notes", "--policy", measured / "gate.toml")

    assert done.exit_code == 1
    assert because in done.stderr
    assert "demands nothing" in medley("adapter", "protect", "notes").stdout


def test_a_policy_file_goes_alone(measured: Path) -> None:
    file = measured / "gate.toml"

    assert medley("adapter", "protect", "notes", "--policy", file, "--clear").exit_code == 2
    assert medley("adapter", "protect", "notes", "--policy", file, "--approvals", 1).exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"item": "a"}',
        '{"item": 1, "cluster": "a", "site": "", "tallies": {}}',
        '{"item": "a", "cluster": "a", "site": "", "tallies": {"f1": [1, -2]}}',
        '{"item": "a", "cluster": "a", "site": "", "tallies": {"f1": [1, 0]}}',
        '{"item": "a", "cluster": "a", "site": "", "tallies": {"f1": [1%s, 1]}}' % ("0" * 400),
        "[]",
        "nothing",
    ],
)
def test_items_that_are_none_are_refused_by_their_line(measured: Path, text: str) -> None:
    (measured / "items.jsonl").write_text(line(1, "x", 1) + "\n" + text)

    done = add_evidence(measured, 1, f1=0.1)

    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
