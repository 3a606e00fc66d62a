"""The third phase of a round: no more answers are taken, and what each one counts is decided."""

from collections.abc import Sequence
from datetime import datetime

from medley_registry import timestamps
from medley_registry.digest import Digest

from medley_training.errors import ContributionRefused, TooFewContributions
from medley_training.identity.admission import signer
from medley_training.identity.envelope import Envelope
from medley_training.identity.merkle import leaf_hash
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.tree_head import TreeHead
from medley_training.rounds.ballot import Ballot, Counted, read_statement, read_tree_head, report_of
from medley_training.rounds.events import Observer
from medley_training.rounds.refusal import refuse
from medley_training.rounds.root import Root
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import (
    Phase,
    RoundFolder,
    read_json,
    write_bytes,
    write_json,
)
from medley_training.strategies.base import Strategy
from medley_training.strategies.weighting import Report, weights


def close(
    run: Run,
    folder: RoundFolder,
    accepted: Sequence[str],
    strategy: Strategy,
    root: Root | None,
    *,
    observe: Observer,
) -> Ballot:
    """Enter the accepted statements into the log, sign its head, weigh them, write the ballot down.

    The time in the signed head is the one that keys are judged by, now and in verification: what a
    key signed that was revoked or ran out since the contribution came in is refused here. Entering
    a statement twice, after a stop in between, enters it once.

    Args:
        run: The run.
        folder: The round's folder.
        accepted: The sites whose contributions were admitted.
        strategy: Says whether the coordinator trains a contribution of its own.
        root: The coordinator's own clean data; needed for that and for utility weights.
        observe: Told of what is refused now.

    Raises:
        RecipeError: The recipe needs such data and there is none.
        LogDamaged: The log is no longer the one whose head was signed in the round before.
        TooFewContributions: Without those that are refused now, fewer count than the recipe needs.
    """
    at = timestamps.now()
    accepted = _still_counting(run, folder, accepted, at, observe)
    log = _own_log(run, folder)
    leaves = [_entered(log, folder.statement(site).read_bytes()) for site in accepted]
    head = TreeHead.of(log, run=run.name, at=at)
    write_bytes(folder.tree_head, head.seal(run.key).to_json().encode())
    trained = root.train(folder) if strategy.needs_root and root else None
    gains = root.utilities(folder, accepted) if root and _by_utility(run) else {}
    reports = [_report(folder, site, gains.get(site)) for site in accepted]
    share = weights(run.recipe.strategy.weights, reports)
    counted = tuple(
        _counted(folder, site, leaf, share[site], gains.get(site))
        for site, leaf in zip(accepted, leaves, strict=True)
    )
    refused = {site: why for site, why in _refusals(folder).items() if site not in accepted}
    ballot = Ballot(counted=counted, refused=refused, tree_size=head.size, root=trained)
    write_json(folder.marker(Phase.CLOSED), ballot.to_json())
    return ballot


def _still_counting(
    run: Run, folder: RoundFolder, accepted: Sequence[str], at: datetime, observe: Observer
) -> tuple[str, ...]:
    """The sites whose keys count at this time too, sorted; what others signed is refused."""
    counting = []
    for site in sorted(accepted):
        text = folder.statement(site).read_text(encoding="utf-8")
        try:
            signer(Envelope.from_json(text), site, book=run.book, at=at)
            counting.append(site)
        except ContributionRefused as refused:
            payload = folder.contribution(site).read_bytes()
            observe(refuse(folder, site, refused, body=text, payload=payload))
            folder.statement(site).unlink()
            folder.contribution(site).unlink()
    if len(counting) < run.recipe.sites.min_contributions:
        raise TooFewContributions(
            f"round {folder.number}: the keys of {len(accepted) - len(counting)} contributions came"
            f" to their end; {run.recipe.sites.min_contributions} that count are needed"
        )
    return tuple(counting)


def _own_log(run: Run, folder: RoundFolder) -> MerkleLog:
    """The log, if it still is what was signed last: no head is signed over another history."""
    log = MerkleLog(run.folder.log)
    if folder.number > 1:
        before = run.folder.round(folder.number - 1)
        read_tree_head(before, [run.key.public]).check_log(log)
    return log


def _entered(log: MerkleLog, leaf: bytes) -> int:
    known = log.index_of(leaf_hash(leaf))
    return log.append(leaf) if known is None else known


def _by_utility(run: Run) -> bool:
    return run.recipe.strategy.weights == "utility"


def _report(folder: RoundFolder, site: str, utility: float | None) -> Report:
    return report_of(read_statement(folder, site), utility)


def _counted(
    folder: RoundFolder, site: str, leaf: int, weight: float, utility: float | None
) -> Counted:
    text = folder.statement(site).read_text(encoding="utf-8")
    return Counted(
        participant=site,
        update=read_statement(folder, site).update,
        statement=Digest.of(text.encode()),
        leaf=leaf,
        weight=weight,
        key_id=Envelope.from_json(text).key_id,
        utility=utility,
    )


def _refusals(folder: RoundFolder) -> dict[str, str]:
    found = sorted((folder.path / "refused").glob("*.json"))
    return {path.stem: read_json(path)["reason"] for path in found}
