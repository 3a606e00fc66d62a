"""`medley train site`: a hospital's side of a federation."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from medley_registry.commands.options import RegistryOption

from medley_training.commands.logs import log_to_stderr
from medley_training.commands.options import QuietOption, recipe_with
from medley_training.commands.refusals import in_one_line

if TYPE_CHECKING:
    from medley_training.data.labelled import SiteData
    from medley_training.privacy.limit import PrivacyLimit
    from medley_training.recipe import BaseSection, Recipe

_SPLIT_SEED = 7

NameOption = Annotated[
    str,
    typer.Option(
        "--name", metavar="NAME", help="As the coordinator knows this site.", show_default=False
    ),
]
CoordinatorOption = Annotated[
    str,
    typer.Option(
        "--coordinator", metavar="HOST:PORT", help="Where to call it.", show_default=False
    ),
]
AuthorityOption = Annotated[
    Path,
    typer.Option(
        "--authority",
        metavar="ca.pem",
        exists=True,
        dir_okay=False,
        help="The coordinator's authority; another's certificate is not trusted.",
        show_default=False,
    ),
]
NodeKeyOption = Annotated[
    Path,
    typer.Option(
        "--node-key",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="This machine's key (`medley train node-key`).",
        show_default=False,
    ),
]
SiteKeyOption = Annotated[
    Path,
    typer.Option(
        "--key",
        metavar="KEY.pem",
        exists=True,
        dir_okay=False,
        help="What this site signs with (`medley train key make`).",
        show_default=False,
    ),
]
CoordinatorKeyOption = Annotated[
    Path,
    typer.Option(
        "--coordinator-key",
        metavar="KEY.pem",
        exists=True,
        dir_okay=False,
        help="The coordinator's public key; what it did not sign is refused.",
        show_default=False,
    ),
]
FolderOption = Annotated[
    Path,
    typer.Option(
        "--folder",
        metavar="DIR",
        file_okay=False,
        help="What this site keeps: answers, receipts, its account of privacy. Never two at once.",
        show_default=False,
    ),
]
BaseOption = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="NAME|PATH",
        help="The base model: a folder, or what the registry on this machine calls it.",
        show_default=False,
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR|FILE",
        exists=True,
        help="Chats: train.jsonl and held_out.jsonl, or examples.jsonl, or a file to be split.",
        show_default=False,
    ),
]
RecipeOption = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="RECIPE",
        help="To try things out: base and data as this recipe has them for this site.",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        help="Of the recipe's data, or of the split.",
        show_default=False,
    ),
]
HeldOutOption = Annotated[
    float,
    typer.Option(
        "--held-out-share",
        metavar="SHARE",
        min=0,
        max=0.9,
        help="Kept for evaluation, of one file.",
    ),
]
QuantizationOption = Annotated[
    Literal["none", "nf4"] | None,
    typer.Option("--quantization", help="Load the base so.  [default: none]", show_default=False),
]
DtypeOption = Annotated[
    Literal["bfloat16", "float32"] | None,
    typer.Option("--dtype", help="Compute with it.  [default: bfloat16]", show_default=False),
]
EpsilonOption = Annotated[
    float | None,
    typer.Option(
        "--epsilon-budget",
        metavar="E",
        min=0.01,
        help="Train with differential privacy only, and never past this, over all runs.",
        show_default=False,
    ),
]
DeltaOption = Annotated[
    float,
    typer.Option(
        "--delta", metavar="D", min=1e-12, max=0.01, help="What --epsilon-budget is stated for."
    ),
]
PatienceOption = Annotated[
    float | None,
    typer.Option(
        "--patience",
        metavar="SECONDS",
        min=0,
        help="Give up when the coordinator has been away for so long.  [default: never]",
        show_default=False,
    ),
]
ThreadsOption = Annotated[
    int,
    typer.Option(
        "--threads", metavar="N", min=1, help="Of torch; another number may round otherwise."
    ),
]


@in_one_line
def site(
    *,
    name: NameOption,
    coordinator: CoordinatorOption,
    authority: AuthorityOption,
    node_key: NodeKeyOption,
    key: SiteKeyOption,
    coordinator_key: CoordinatorKeyOption,
    folder: FolderOption,
    base: BaseOption = None,
    data: DataOption = None,
    recipe: RecipeOption = None,
    seed: SeedOption = None,
    held_out_share: HeldOutOption = 0.2,
    quantization: QuantizationOption = None,
    dtype: DtypeOption = None,
    epsilon_budget: EpsilonOption = None,
    delta: DeltaOption = 1e-5,
    patience: PatienceOption = None,
    threads: ThreadsOption = 1,
    registry: RegistryOption = None,
    quiet: QuietOption = False,
) -> None:
    """Answer a coordinator with work on data that stays here.

    It calls the coordinator and listens for nobody. It runs until it is stopped, and takes part in
    one run after the other. SIGTERM ends it with exit code 0, Ctrl-C with 130; a round that it was
    at is taken up again at its next start.

    \b
    Examples:
      medley train site --name north --coordinator medley.hospital.example:9092 \\
          --authority ca.pem --node-key node.key --key north.pem \\
          --coordinator-key coordinator.pub.pem --folder site \\
          --base /models/qwen3-8b --quantization nf4 --data examples
      medley train site --name harbor --coordinator localhost:9092 --recipe smoke \\
          --authority ca.pem --node-key node.key --key harbor.pem \\
          --coordinator-key coordinator.pub.pem --folder site
    """
    log_to_stderr()
    from medley_training.rounds.site_progress import site_progress
    from medley_training.site import OwnSite

    loaded = recipe_with(recipe, seed) if recipe else None
    section = _base_section(base, loaded, quantization, dtype)
    with _stopping_at_sigterm(), site_progress(quiet=quiet) as observe:
        own = OwnSite(
            name=name,
            key=key,
            coordinator_key=coordinator_key,
            data=_data(data, loaded, name, held_out_share=held_out_share, seed=seed),
            base=_base_folder(section, registry, folder),
            precision=section.precision,
            folder=folder,
            limit=_limit(epsilon_budget, delta),
            threads=threads,
        )
        own.answer(coordinator, authority, node_key, patience_s=patience, observe=observe)


@contextmanager
def _stopping_at_sigterm() -> Iterator[None]:
    """Let SIGTERM end what is under way, close what is open, and be no failure."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _base_section(
    base: str | None, recipe: "Recipe | None", quantization: str | None, dtype: str | None
) -> "BaseSection":
    from medley_training.errors import RecipeError
    from medley_training.site import named_base

    if base is not None:
        section = named_base(base)
    elif recipe is not None:
        section = recipe.base
    else:
        raise RecipeError("give the base model with --base, or a --recipe to try out")
    chosen = {"quantization": quantization, "dtype": dtype}
    return section.model_copy(update={k: v for k, v in chosen.items() if v is not None})


def _base_folder(section: "BaseSection", registry: str | None, folder: Path) -> Path:
    from medley_training.base_source import base_folder

    return base_folder(section, registry, made=folder / "base")


def _data(
    path: Path | None,
    recipe: "Recipe | None",
    name: str,
    *,
    held_out_share: float,
    seed: int | None,
) -> "SiteData":
    from medley_training.data.own import own_data
    from medley_training.errors import BadSource
    from medley_training.site import recipes_share

    if path is not None:
        return own_data(
            path, held_out_share=held_out_share, seed=_SPLIT_SEED if seed is None else seed
        )
    if recipe is not None:
        return recipes_share(recipe, name)
    raise BadSource("give this site's examples with --data, or a --recipe to try out")


def _limit(epsilon: float | None, delta: float) -> "PrivacyLimit | None":
    from medley_training.privacy.limit import PrivacyLimit

    return None if epsilon is None else PrivacyLimit(epsilon=epsilon, delta=delta)
