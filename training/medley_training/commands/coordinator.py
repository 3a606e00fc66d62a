"""`medley train coordinator`: a run whose sites are on machines of their own."""

from pathlib import Path
from typing import Annotated

import typer
from medley_registry.commands.options import JsonOption, KeyOption, RegistryOption
from medley_registry.commands.screen import print_note

from medley_training.commands.logs import log_to_stderr
from medley_training.commands.options import (
    PromoteOption,
    QuietOption,
    RecipeArgument,
    SeedOption,
    recipe_with,
)
from medley_training.commands.refusals import in_one_line
from medley_training.commands.stopping import stopped_by_sigterm
from medley_training.commands.summary import show_summary

RunDirOption = Annotated[
    Path,
    typer.Option(
        "--run-dir",
        metavar="DIR",
        file_okay=False,
        help="Keep the run here, or continue the one that is here.",
        show_default=False,
    ),
]
ListenOption = Annotated[
    str,
    typer.Option(
        "--listen", metavar="HOST:PORT", help="Where sites call, as in 0.0.0.0:9092; TCP, TLS."
    ),
]
CertificatesOption = Annotated[
    Path,
    typer.Option(
        "--certificates",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="A folder of `medley train certificates`; its sites/NAME.pub are let in.",
        show_default=False,
    ),
]
ParticipantsOption = Annotated[
    Path,
    typer.Option(
        "--participants",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="The book of `medley train participant`; read anew for each contribution.",
        show_default=False,
    ),
]
WaitOption = Annotated[
    int | None,
    typer.Option(
        "--wait",
        metavar="N",
        min=1,
        help="Begin once so many sites are connected.  [default: the recipe's min_contributions]",
        show_default=False,
    ),
]


@in_one_line
def coordinator(
    recipe: RecipeArgument,
    *,
    run_dir: RunDirOption,
    certificates: CertificatesOption,
    participants: ParticipantsOption,
    listen: ListenOption = "0.0.0.0:9092",
    wait: WaitOption = None,
    seed: SeedOption = None,
    registry: RegistryOption = None,
    key: KeyOption = None,
    promote: PromoteOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Carry out a recipe's rounds with sites on other machines.

    What it says is signed with DIR/coordinator-key.pem; sites need the public half. Stopped or
    killed anywhere, the same command goes on where it was, to the same versions.

    \b
    Examples:
      medley train key make runs/first/coordinator-key.pem
      medley train coordinator hospital.toml --run-dir runs/first \\
          --certificates certificates --participants participants.json
      medley train coordinator smoke --run-dir runs/smoke --listen 127.0.0.1:9092 --wait 3 \\
          --certificates certificates --participants participants.json --json
    """
    log_to_stderr()
    from medley_training.flower.certificates import CertificateFolder
    from medley_training.running import carry_out_across

    loaded = recipe_with(recipe, seed)
    if wait is not None and wait > len(loaded.sites.names):
        raise typer.BadParameter(
            f"the recipe has {len(loaded.sites.names)} sites", param_hint="wait"
        )
    if loaded.sites.deadline_s is None and not quiet:
        print_note("the recipe sets no sites.deadline_s: a round waits until every site answers")
    with stopped_by_sigterm():
        summary = carry_out_across(
            loaded,
            run_dir,
            listen=listen,
            certificates=CertificateFolder(certificates),
            participants=participants,
            wait=wait,
            registry=registry,
            key=key,
            promote=promote,
            is_quiet=quiet,
            tell=_hush if quiet else print_note,
        )
    show_summary(summary, run_dir, as_json=as_json)


def _hush(_line: str) -> None:
    """Say nothing."""
