"""Make the adapters that ship with the demo: ``python -m medley_training.demo_adapters``.

Two adapters in two versions each. Their effect is plain to see, and each version has marks that a
program can look for. Each version 2 continues from version 1's exported weights, so the second is
really a successor of the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from medley_training.data.examples import Example
from medley_training.data.formatting import tokenize_example
from medley_training.data.plain_words import plain_words_examples
from medley_training.data.triage_notes import NoteForm, triage_examples
from medley_training.errors import TrainingError
from medley_training.local.determinism import reproducible
from medley_training.local.lora import LoraShape, continue_from, export, wrap
from medley_training.local.progress import progress_bar
from medley_training.local.trainer import TrainingPlan, TrainingResult, train

if TYPE_CHECKING:
    from transformers import PreTrainedModel

BASE_NAME = "smollm2-135m-instruct"
SHAPE = LoraShape()
MAX_TOKENS = 320
# One thread, so that the bytes do not depend on how many cores the machine has.
THREADS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVersion:
    """One adapter version of the demo: its data and how long it is trained."""

    adapter: str
    number: int
    parent: int | None
    draw: Callable[[Random], tuple[Example, ...]]
    epochs: int
    learning_rate: float

    def __str__(self) -> str:
        return f"{self.adapter}:{self.number}"

    def examples(self, seed: int) -> tuple[Example, ...]:
        """The training examples, the same for the same seed."""
        return self.draw(Random(f"{seed} {self}"))  # noqa: S311 - made-up data, not a secret

    def folder(self, out: Path, number: int | None = None) -> Path:
        """Where this version, or another of the same adapter, lies under `out`."""
        return out / self.adapter / f"v{number or self.number}"


VERSIONS = (
    DemoVersion(
        adapter="triage-note",
        number=1,
        parent=None,
        draw=lambda random: triage_examples(NoteForm.SOAP, random, count=270),
        epochs=2,
        learning_rate=2e-3,
    ),
    DemoVersion(
        adapter="triage-note",
        number=2,
        parent=1,
        draw=lambda random: triage_examples(NoteForm.SBAR, random, count=180),
        epochs=2,
        learning_rate=2e-3,
    ),
    DemoVersion(
        adapter="plain-words",
        number=1,
        parent=None,
        draw=lambda random: plain_words_examples(random, num_letters=210, with_closing=False),
        epochs=4,
        learning_rate=2e-3,
    ),
    DemoVersion(
        adapter="plain-words",
        number=2,
        parent=1,
        draw=lambda random: plain_words_examples(random, num_letters=140, with_closing=True),
        epochs=2,
        learning_rate=2e-3,
    ),
)


def make_version(version: DemoVersion, base: Path, out: Path, *, seed: int) -> TrainingResult:
    """Train one version on the base model in folder `base` and export it under `out`.

    Raises:
        AdapterNotReadable: The parent version is not under `out` yet.
        Diverged: The training failed.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = [
        tokenize_example(example, tokenizer, max_tokens=MAX_TOKENS)
        for example in version.examples(seed)
    ]
    plan = TrainingPlan(
        epochs=version.epochs, learning_rate=version.learning_rate, batch_tokens=768, seed=seed
    )
    with reproducible(seed, threads=THREADS), progress_bar(str(version)) as observer:
        model = wrap(_load_base(base), SHAPE)
        if version.parent is not None:
            continue_from(model, version.folder(out, version.parent), SHAPE)
        pad_token_id = tokenizer.pad_token_id
        result = train(model, examples, plan, pad_token_id=pad_token_id, observer=observer)
        export(model, version.folder(out), SHAPE, base_name=BASE_NAME)
    return result


def _load_base(folder: Path) -> "PreTrainedModel":
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)


def _selected(only: list[str]) -> list[DemoVersion]:
    known = {str(version): version for version in VERSIONS}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(known)}")
    return [version for name, version in known.items() if not only or name in only]


def make_demo_adapters(
    base: Annotated[Path, typer.Option(help="Folder of the base model.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder that the versions are written under.")],
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME:V", help="Only this version; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
) -> None:
    """Train the demo's adapters, each version 2 from its version 1."""
    for version in _selected(only or []):
        try:
            result = make_version(version, base, out, seed=seed)
        except TrainingError as error:
            typer.echo(f"error: {version}: {error}", err=True)
            raise typer.Exit(1) from error
        typer.echo(_summary(version, result))


def _summary(version: DemoVersion, result: TrainingResult) -> str:
    return (
        f"{version}  {result.num_examples} examples, {len(result.losses)} steps, "
        f"loss {result.losses[0]:.3f} -> {result.losses[-1]:.3f}, "
        f"{result.tokens_per_second:.0f} tokens/s, {result.duration_s:.0f} s"
    )


def command() -> typer.Typer:
    """The command line of this module."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(make_demo_adapters)
    return app


if __name__ == "__main__":
    command()()
