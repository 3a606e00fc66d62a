"""What stays of a contribution that is not counted."""

from medley_registry.digest import Digest

from medley_training.errors import ContributionRefused
from medley_training.rounds.events import Refused
from medley_training.rounds.run_folder import RoundFolder, write_bytes, write_json


def refuse(
    folder: RoundFolder, site: str, refused: ContributionRefused, *, body: str, payload: bytes
) -> Refused:
    """Keep what was refused beside the reason, so that somebody can look at it.

    Args:
        folder: The round's folder.
        site: Whose contribution it is.
        refused: Why.
        body: What came with it, as text.
        payload: The file that came.
    """
    write_bytes(folder.refusal(site).with_suffix(".bin"), payload)
    record = {
        "reason": refused.reason,
        "detail": str(refused),
        "update": str(Digest.of(payload)),
        "body": body,
    }
    write_json(folder.refusal(site), record)
    return Refused(round=folder.number, site=site, reason=refused.reason, detail=str(refused))
