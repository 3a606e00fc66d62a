"""`medley train golden`: what servers hold an adapter to, measured where it was made."""

from pathlib import Path
from typing import Annotated

import typer
from medley_registry.commands.options import JsonOption, RegistryOption
from medley_registry.commands.screen import print_json, print_line

from medley_training.commands.refusals import in_one_line
from medley_training.errors import RecipeError


@in_one_line
def golden(
    adapter: Annotated[
        Path,
        typer.Argument(metavar="DIR", exists=True, file_okay=False, show_default=False),
    ],
    *,
    base: Annotated[
        str, typer.Option("--base", help="The registered base it is for.", show_default=False)
    ],
    examples: Annotated[
        Path,
        typer.Option(
            "--examples",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Chats, one on a line; they are published with the adapter.",
            show_default=False,
        ),
    ],
    prompts: Annotated[int, typer.Option(min=1, max=16, help="How many of them.")] = 8,
    tolerance: Annotated[
        float,
        typer.Option(min=0.001, max=2.0, help="Nats per token that a server may be off."),
    ] = 0.1,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write golden.json into the folder of an adapter.

    A server that loads the version scores the same answers, and refuses it if they differ. The
    texts go wherever the adapter goes: use made-up ones, never those of patients.

    \b
    Examples:
      medley train golden ./out --base smollm2-135m-instruct --examples made-up.jsonl
      medley adapter publish ./out --name triage-note --base smollm2-135m-instruct
    """
    from medley_registry.errors import RegistryError
    from medley_registry.opening import open_registry

    from medley_training.data.examples import load_examples
    from medley_training.golden import write_golden

    try:
        with open_registry(registry) as opened:
            folder = opened.base(base).path
    except RegistryError as error:
        raise RecipeError(str(error)) from error
    found = write_golden(
        adapter, base=folder, examples=load_examples(examples), most=prompts, tolerance=tolerance
    )
    if as_json:
        print_json({"prompts": len(found.prompts), "tolerance": found.tolerance})
        return
    for number, one in enumerate(found.prompts, 1):
        print_line(f"{number}  {one.tokens} tokens  {one.logprob:.4f} nats per token")
