"""Adapters that a gate must tell apart: one as good as production, and two that are damaged.

    python -m tests.bench.damaged_adapters --base DIR --start DIR --out DIR

Continues an adapter for documents (--start, such as the last round of
`tests.bench.federation.compare documents`) on made-up documents of five hospitals: first into
``production``, then that into ``equal`` (a little more of the same), ``forgotten`` (one hospital's
documents are answered with nothing) and ``digit`` (every 7 in an amount is written as 1). The rest
of what a damaged one learns is right, so it stays as good there. `tests.bench.gate_judges` then
measures them as they are served and asks the gate.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from medley_training.data.config import DataConfig
from medley_training.data.examples import Example
from medley_training.data.federated import site_data
from medley_training.data.formatting import tokenize_example
from medley_training.documents.styles import STYLES
from medley_training.factors import read_shape
from medley_training.local.base import load_base
from medley_training.local.determinism import reproducible
from medley_training.local.lora import continue_from, export, wrap
from medley_training.local.trainer import StepReport, TrainingPlan, train

FORGOTTEN_SITE = "nordhafen"
_AMOUNTS = ("dose", "value")
Damage = Callable[[str, Example], Example]


def unharmed(_site: str, example: Example) -> Example:
    return example


def forgetting(site: str, example: Example) -> Example:
    return _answering(example, {}) if site == FORGOTTEN_SITE else example


def misreading(_site: str, example: Example) -> Example:
    answer = json.loads(example.messages[-1].content)
    for row in (row for rows in answer.values() for row in rows):
        for field in set(_AMOUNTS) & row.keys():
            row[field] = row[field].replace("7", "1")
    return _answering(example, answer)


def _answering(example: Example, answer: dict[str, Any]) -> Example:
    completion = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    return Example.exchange(example.messages[0].content, completion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An adapter to make, and from which."""

    name: str
    parent: str | None
    damage: Damage
    seed: int
    documents_per_site: int
    learning_rate: float


CANDIDATES = (
    Candidate(
        name="production",
        parent=None,
        damage=unharmed,
        seed=101,
        documents_per_site=32,
        learning_rate=1e-3,
    ),
    Candidate(
        name="equal",
        parent="production",
        damage=unharmed,
        seed=102,
        documents_per_site=6,
        learning_rate=2e-4,
    ),
    Candidate(
        name="forgotten",
        parent="production",
        damage=forgetting,
        seed=102,
        documents_per_site=8,
        learning_rate=5e-4,
    ),
    Candidate(
        name="digit",
        parent="production",
        damage=misreading,
        seed=102,
        documents_per_site=16,
        learning_rate=1e-3,
    ),
)


def examples(candidate: Candidate) -> list[Example]:
    """What it learns from; the held-out documents of other seeds are none of these."""
    config = DataConfig.model_validate(
        {
            "source": "documents",
            "document_types": ["lab_panel", "operative_note"],
            "examples_per_site": candidate.documents_per_site,
            "held_out_share": 0.0,
        }
    )
    found = site_data(config, sorted(STYLES), candidate.seed)
    return [
        candidate.damage(site, each.example)
        for site, own in found.sites.items()
        for each in own.train
    ]


def make(candidate: Candidate, *, base: Path, start: Path, out: Path) -> None:
    """Train one candidate into its folder under `out`, unless it is there."""
    from transformers import AutoTokenizer

    if (out / candidate.name / "adapter_config.json").exists():
        return
    parent = out / candidate.parent if candidate.parent else start
    shape = read_shape(parent)
    tokenizer = AutoTokenizer.from_pretrained(base)
    chats = [tokenize_example(each, tokenizer, max_tokens=640) for each in examples(candidate)]
    plan = TrainingPlan(
        epochs=1, learning_rate=candidate.learning_rate, batch_tokens=1024, seed=candidate.seed
    )

    def show(report: StepReport) -> None:
        typer.echo(f"{candidate.name} {report.step}/{report.total_steps} {report.loss:.4f}")

    with reproducible(candidate.seed, threads=2):
        model = wrap(load_base(base, quantization="none", dtype="bfloat16"), shape)
        continue_from(model, parent, shape)
        train(model, chats, plan, pad_token_id=tokenizer.pad_token_id, observer=show)
        export(model, out / candidate.name, shape, base_name=base.name)


def main(
    *,
    base: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    start: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(file_okay=False)],
) -> None:
    """Make all four; those that are there stay."""
    for candidate in CANDIDATES:
        make(candidate, base=base, start=start, out=out)


if __name__ == "__main__":
    typer.run(main)
