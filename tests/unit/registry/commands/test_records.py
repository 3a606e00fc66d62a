"""What `--json` prints, against the schema that `medley registry schema` prints."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from medley_registry.commands.schemas import OUTPUTS, json_schema, markdown

from tests.builders import make_adapter, make_base
from tests.unit.registry.commands.shell import all_commands, medley

ROOT = Path(__file__).parents[4]
SUITE = "sha256:" + "5" * 64

# Every output once, in the life of a registry; {home} and {key} are put in.
LIFE = """
registry init            | registry init
base add                 | base add tiny {home}/base
base add                 | base add tiny-nf4 {home}/nf4 --derived-from tiny --recipe {home}/r.json
base list                | base list
base show                | base show tiny-nf4
adapter publish          | adapter publish {home}/1 --name notes --base tiny --round 1
adapter publish          | adapter publish {home}/2 --name notes --base tiny --lineage {home}/l.json
adapter publish          | adapter publish {home}/3 --name notes --base tiny --state quarantined
adapter list             | adapter list
adapter list NAME        | adapter list notes
adapter evidence add     | adapter evidence add notes:2 --kind evaluation --suite s \
                           --suite-digest {suite} --metric f1=0.8 --environment {home}/r.json
adapter evidence         | adapter evidence notes:2
adapter variants         | adapter variants notes:2
adapter show             | adapter show notes:2
adapter validate         | adapter validate notes:3
adapter admit            | adapter admit notes:3
adapter retire           | adapter retire notes:3
adapter quarantine       | adapter quarantine notes:3 --reason why
adapter promote          | adapter promote notes:1
adapter protect          | adapter protect notes --require evaluation:s:f1>=0.7 --signer {key}
adapter approve          | adapter approve notes:2
adapter promote          | adapter promote notes:2
adapter rollback         | adapter rollback notes
adapter protect          | adapter protect notes --policy {home}/gate.toml
adapter evidence add     | adapter evidence add notes:1 --kind evaluation --suite s \
                           --suite-digest {suite} --metric f1=0.5 --environment {home}/r.json \
                           --items {home}/items.jsonl
adapter evidence add     | adapter evidence add notes:2 --kind evaluation --suite s \
                           --suite-digest {suite} --metric f1=0.5 --environment {home}/r.json \
                           --items {home}/items.jsonl
adapter promote --explain | adapter promote notes:2 --explain
adapter decisions        | adapter decisions notes
adapter traffic          | adapter traffic notes --shadow 1 --share 5 --min-agreement 0.9
adapter history          | adapter history notes
adapter history --at     | adapter history notes --at 2020-01-01T00:00
adapter protect          | adapter protect notes --for notes:3
adapter verify           | adapter verify notes
adapter diff             | adapter diff notes:1 notes:2
adapter sign             | adapter sign notes:1
adapter import           | adapter import {home}/out --name copy
adapter revoke           | adapter revoke notes:3 --reason why
adapter delete           | adapter delete notes:3 --reason why
registry events          | registry events --after 1
registry fsck            | registry fsck
registry gc              | registry gc --dry-run
registry backup          | registry backup {home}/backup
registry restore         | registry restore {home}/backup --registry {home}/restored
registry key list        | registry key list
registry key show        | registry key show {key}
registry key trust       | registry key trust {home}/signing-key.pem --name ada
registry key distrust    | registry key distrust {key} --reason lost
registry access add      | registry access add bob --scope infer --until 2030-01-01
registry access list     | registry access list
registry access revoke   | registry access revoke {access}
""".replace("\\\n", "")

GATE = """
[[require]]
kind = "evaluation"
suite = "s"
metric = "f1"
at_least = 0.4

[[compare]]
suite = "s"
metric = "f1"
margin = 0.1
"""
ITEM = '{{"item": "d{0}", "cluster": "d{0}", "site": "x", "tallies": {{"f1": [1, 2]}}}}'

LINEAGE = """{
  "parents": [{"reference": "notes:1", "digest": "DIGEST", "relation": "trained_from"}],
  "contributions": [{"participant": "a", "digest": "SUITE", "weight": 0.5, "key_id": ""}],
  "run": "run-7", "strategy": "stacking"
}"""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with no room for keys that it does not name."""
    definitions = {
        name: {**record, "additionalProperties": False} for name, record in schema["$defs"].items()
    }
    return {**schema, "$defs": definitions}


def find(records: Any, key: str) -> str:
    return str(records[0][key] if isinstance(records, list) else records[key])


class Life:
    """The commands of a life, run in order, with what later ones need to know of earlier ones."""

    def __init__(self, home: Path) -> None:
        self.names = {"home": str(home), "suite": SUITE, "key": "", "access": ""}
        self.home = home

    def run(self, output: str, words: str) -> list[Any]:
        if "out" in words and output == "adapter import":
            medley("adapter", "export", "notes:1", self.home / "out")
        done = medley(*shlex.split(words.format(**self.names)), "--json")
        assert done.exit_code == 0, (words, done.stderr)
        lines = done.stdout.splitlines() if output == "registry events" else [done.stdout]
        documents = [json.loads(line) for line in lines]
        self._learn(output, documents[0])
        return documents

    def _learn(self, output: str, document: Any) -> None:
        if output == "registry init":
            self.names["key"] = document["key_id"]
        if output == "registry access add":
            self.names["access"] = document["key_id"]
        if output == "adapter publish" and document["number"] == 1:
            told = LINEAGE.replace("DIGEST", document["digest"]).replace("SUITE", SUITE)
            (self.home / "l.json").write_text(told)


def test_every_output_fits_its_schema(empty_home: Path, schema: dict[str, Any]) -> None:
    schema = closed(schema)
    make_base(empty_home / "base")
    make_base(empty_home / "nf4", config={"quantization_config": {"bits": 4}})
    (empty_home / "r.json").write_text('{"bits": 4}')
    (empty_home / "gate.toml").write_text(GATE)
    (empty_home / "items.jsonl").write_text("\n".join(map(ITEM.format, range(9))))
    for content in (1, 2, 3):
        make_adapter(empty_home / str(content), fill=content)
    life, seen = Life(empty_home), set()

    for line in LIFE.strip().splitlines():
        output, words = (part.strip() for part in line.split("|"))
        seen.add(output)
        check = Draft202012Validator({**schema["outputs"][output], "$defs": schema["$defs"]})
        for document in life.run(output, words):
            check.validate(document)

    assert seen == OUTPUTS.keys()


def test_every_command_with_json_has_a_schema() -> None:
    with_json = {
        name.replace("evidence list", "evidence")
        for name, command in all_commands().items()
        if any("--json" in parameter.opts for parameter in command.params)  # type: ignore[attr-defined]
    }

    assert with_json == {name.replace(" NAME", "").partition(" --")[0] for name in OUTPUTS}


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)

    assert json.loads(medley("registry", "schema").stdout) == schema


def test_every_record_says_what_it_is(schema: dict[str, Any]) -> None:
    assert [name for name, r in schema["$defs"].items() if not r["description"]] == []


def test_the_page_about_json_is_current() -> None:
    page = ROOT / "docs" / "registry-json.md"

    assert page.read_text() == markdown(), f"medley registry schema --markdown > docs/{page.name}"


def test_a_listed_version_carries_what_it_is_known_by(schema: dict[str, Any]) -> None:
    carried = schema["$defs"]["VersionRecord"]["required"]

    assert {"reference", "digest", "state", "aliases", "round", "lineage", "files"} <= {*carried}
