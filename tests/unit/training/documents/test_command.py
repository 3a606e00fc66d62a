import json
from pathlib import Path

import typer
from medley_training.commands.documents import documents
from medley_training.data.examples import load_examples
from typer.testing import CliRunner, Result


def _run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(documents)
    return CliRunner().invoke(app, arguments)


def test_it_writes_what_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"

    result = _run(
        *("--out", str(out), "--count", "2", "--site", "brannock", "--site", "harbor"),
        *("--type", "lab_panel", "--length", "short", "--formats", "text", "--json"),
    )

    assert result.exit_code == 0, result.output
    listed = json.loads(result.stdout)
    assert [each["name"] for each in listed["documents"]] == [
        "brannock-lab_panel-short-00000",
        "brannock-lab_panel-short-00001",
        "harbor-lab_panel-short-00000",
        "harbor-lab_panel-short-00001",
    ]
    named = {name for each in listed["documents"] for name in each["files"]}
    assert {path.name for path in out.iterdir()} == named | {"examples.jsonl"}
    prompts = [example.messages[0].content for example in load_examples(out / "examples.jsonl")]
    for each, prompt in zip(listed["documents"], prompts, strict=True):
        assert (out / f"{each['name']}.txt").read_text(encoding="utf-8").strip() in prompt


def test_it_says_how_many_there_are(tmp_path: Path) -> None:
    result = _run("--out", str(tmp_path), "--count", "1", "--formats", "text")

    assert result.output.strip() == f"5 documents in {tmp_path}"


def test_what_there_is_not_is_refused_in_one_line(tmp_path: Path) -> None:
    for option, reason in (
        ("--site=moon", "no site style 'moon'"),
        ("--formats=text,tiff", "no format 'tiff'; there are text, pdf, png"),
        ("--length=endless", "no length 'endless'; there are full, short"),
        (f"--lexicon={tmp_path}", "holds no vocabulary"),
    ):
        result = _run("--out", str(tmp_path / "out"), option)

        assert result.exit_code == 1
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_help_has_examples() -> None:
    assert "medley train documents --out scans" in _run("--help").output
