"""The data of a site that runs on a machine of its own: files that nobody else sees."""

from pathlib import Path

from medley_training.data.config import DataConfig
from medley_training.data.federated import shuffled, site_data
from medley_training.data.labelled import SiteData, without_copies
from medley_training.data.report import require_disjoint
from medley_training.data.sources.jsonl import load_jsonl
from medley_training.errors import BadSource, NothingToLearn

TRAIN = "train.jsonl"
HELD_OUT = "held_out.jsonl"
EXAMPLES = "examples.jsonl"


def own_data(path: Path, *, held_out_share: float, seed: int) -> SiteData:
    """A site's chats (`medley_training.data.sources.jsonl`); the same files give the same data.

    Args:
        path: A folder with ``train.jsonl`` and ``held_out.jsonl``, which stay apart; or a file, or
            a folder with ``examples.jsonl``, of which a share is held out: whole groups, drawn by
            their content.
        held_out_share: That share; of two files it is not used.
        seed: Of the draw and of the order, for where only some examples are used.

    Raises:
        BadSource: There is no such file.
        BadExample: A line is not a chat.
        SitesOverlap: A chat or a group is in both files.
        NothingToLearn: There is nothing to learn from.
    """
    if (path / TRAIN).is_file():
        return _two_files(path, seed)
    file = path / EXAMPLES if path.is_dir() else path
    if not file.is_file():
        raise BadSource(
            f"{path} holds no examples: expected {TRAIN} and {HELD_OUT}, or {EXAMPLES}, or a file"
        )
    # A draw over one site gives it everything.
    config = DataConfig(
        source="jsonl",
        path=file,
        partition="by_quantity",
        min_per_site=1,
        held_out_share=held_out_share,
    )
    return site_data(config, ["own"], seed).sites["own"]


def _two_files(path: Path, seed: int) -> SiteData:
    train, held_out = (without_copies(load_jsonl(path / name)) for name in (TRAIN, HELD_OUT))
    if not train:
        raise NothingToLearn(f"{path / TRAIN} holds no example")
    found = SiteData(shuffled(train, seed), shuffled(held_out, seed))
    require_disjoint({"this site": found}, ())
    return found
