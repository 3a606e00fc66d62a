"""Verifying a run: every signature, the log, and each aggregate computed again, bit for bit."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medley_registry.digest import Digest

from medley_training.errors import ContributionRefused, NotReproduced, RunDamaged
from medley_training.factors import read_shape
from medley_training.identity.admission import signer
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import PublicKey
from medley_training.identity.merkle import leaf_hash
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.participants import ParticipantBook
from medley_training.identity.round_statement import RoundStatement
from medley_training.identity.statement import Statement
from medley_training.identity.tree_head import TreeHead
from medley_training.local.lora import WEIGHTS_FILE
from medley_training.recipe import Recipe
from medley_training.rounds.aggregating import aggregate
from medley_training.rounds.ballot import Ballot, Counted, read_ballot, read_tree_head, report_of
from medley_training.rounds.configuring import start_file
from medley_training.rounds.root import root_file
from medley_training.rounds.run import recorded_digest, recorded_recipe
from medley_training.rounds.run_folder import Phase, RoundFolder, RunFolder, read_json
from medley_training.strategies.catalogue import strategy as strategy_named
from medley_training.strategies.weighting import weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A round that is what its statement says.

    Attributes:
        output: SHA-256 of the served adapter, as signed and as computed again.
        participants: Whose signed contributions went in.
    """

    round: int
    output: Digest
    participants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Checks a run's folder without trusting it.

    Attributes:
        folder: The run.
        coordinator: The key that must have signed; the run's own where nobody brings another.
        book: Whose statements count.
    """

    folder: RunFolder
    coordinator: PublicKey
    book: ParticipantBook

    def verify(self) -> Iterator[Verified]:
        """Verify one round after the other.

        Raises:
            NotReproduced: An aggregate comes out otherwise, or a link of the chain is missing.
            BadSignature: Something is not signed by whom it should be.
            LogDamaged: The log's file was changed.
            RunDamaged: A file is missing or not readable.
        """
        recipe = recorded_recipe(self.folder)
        log = MerkleLog(self.folder.log)
        before: RoundStatement | None = None
        for number in range(1, self._last(recipe) + 1):
            folder = self.folder.round(number)
            try:
                before = self._verify(folder, recipe, log, before)
            except OSError as error:
                raise RunDamaged(f"round {number}: a file is missing: {error}") from error
            yield Verified(
                round=number,
                output=before.output,
                participants=tuple(found.participant for found in before.inputs),
            )

    def _last(self, recipe: Recipe) -> int:
        """The last round that there must be: a run may still go on, but it leaves no round out."""
        if self.folder.summary.exists():
            return recipe.rounds
        found = [number for number in range(1, recipe.rounds + 1) if self._is_signed(number)]
        return max(found, default=0)

    def _is_signed(self, number: int) -> bool:
        return self.folder.round(number).phase >= Phase.PUBLISHED

    def _verify(
        self, folder: RoundFolder, recipe: Recipe, log: MerkleLog, before: RoundStatement | None
    ) -> RoundStatement:
        text = folder.marker(Phase.PUBLISHED).read_text(encoding="utf-8", errors="replace")
        said = RoundStatement.open(Envelope.from_json(text), [self.coordinator])
        ballot = read_ballot(folder)
        digest = recorded_digest(self.folder)
        _require(said.recipe == digest, folder, "the statement is of another recipe")
        _require_same(folder, recipe, said, before)
        _require_ballot(folder, said, ballot)
        head = read_tree_head(folder, [self.coordinator])
        _require(head.run == said.run, folder, "the tree head is of another run")
        _require(head.size == ballot.tree_size, folder, "the ballot is of another tree head")
        head.check_log(log)
        signed = [self._signed(folder, found, log, head) for found in ballot.counted]
        for statement in signed:
            _require(statement.run == said.run, folder, "a statement is of another run")
        _require_weights(folder, recipe, ballot, signed)
        self._recompute(folder, recipe, ballot, said)
        return said

    def _signed(
        self, folder: RoundFolder, counted: Counted, log: MerkleLog, head: TreeHead
    ) -> Statement:
        """One input: in the log, signed by its participant for this round, over just these bytes.

        The key must have counted when the coordinator signed the log's head with the statement in
        it. So what is revoked later undoes no earlier round.
        """
        name = counted.participant
        leaf = folder.statement(name).read_bytes()
        _require(
            Digest.of(leaf) == counted.statement
            and log.index_of(leaf_hash(leaf)) == counted.leaf
            and counted.leaf < head.size,
            folder,
            f"the statement of {name} is not the one in the log",
        )
        envelope = Envelope.from_json(leaf.decode("utf-8", "replace"))
        try:
            key = signer(envelope, name, book=self.book, at=head.at)
            statement = Statement.open(envelope, [key])
            statement.covers(folder.contribution(name).read_bytes())
        except ContributionRefused as refused:
            raise NotReproduced(f"round {folder.number}: {name}: {refused}") from refused
        _require(counted.key_id == envelope.key_id, folder, f"{name}: signed with another key")
        _require(statement.update == counted.update, folder, f"{name}: another update")
        _require(statement.participant == name, folder, f"{name}: another participant's statement")
        _require(statement.round == folder.number, folder, f"{name}: of another round")
        start = _digest(start_file(folder, statement.shape.rank))
        _require(statement.start == start, folder, f"{name}: from another start")
        return statement

    def _recompute(
        self, folder: RoundFolder, recipe: Recipe, ballot: Ballot, said: RoundStatement
    ) -> None:
        rule = strategy_named(recipe.strategy.name, **recipe.strategy.options)
        with tempfile.TemporaryDirectory(prefix="medley-verify-") as out:
            again = Path(out) / "aggregate"
            found = aggregate(
                self.folder,
                folder.number,
                ballot,
                recipe=recipe,
                strategy=rule,
                base_name=recipe.base.name,
                out=again,
            )
            shape = read_shape(again / "served")
        for what in ("output", "next_start", "state"):
            signed, computed = getattr(said, what), getattr(found, what)
            _require(signed == computed, folder, f"{what} is {computed}, signed was {signed}")
        kept = {
            "served adapter": (folder.served / WEIGHTS_FILE, said.output),
            "next start": (folder.next_start / WEIGHTS_FILE, said.next_start),
            "strategy's state": (folder.state, said.state),
        }
        for what, (path, signed) in kept.items():
            is_same = _digest(path) == signed if signed else not path.exists()
            _require(is_same, folder, f"the file of the {what} is not what was signed")
        # The scale is in the configuration, so that decides what is served as much as the weights.
        _require(
            read_shape(folder.served) == shape, folder, "the served adapter's shape is changed"
        )


def _require_same(
    folder: RoundFolder, recipe: Recipe, said: RoundStatement, before: RoundStatement | None
) -> None:
    """The statement is of this round of this run, which goes on where the last round ended."""
    strategy = (recipe.strategy.name, dict(recipe.strategy.options))
    _require(said.round == folder.number, folder, "the statement is of another round")
    _require((said.strategy, said.options) == strategy, folder, "it names another strategy")
    start = _digest(start_file(folder, recipe.lora.rank))
    _require(said.start == start, folder, "the start is not what was signed")
    if before is not None:
        _require(said.run == before.run, folder, "the statement is of another run")
        _require(start == before.next_start, folder, "it does not begin where the last ended")


def _require_ballot(folder: RoundFolder, said: RoundStatement, ballot: Ballot) -> None:
    """The ballot is the one that was signed, and what the coordinator trained too."""
    inputs = tuple(counted.input for counted in ballot.counted)
    refused = {refusal.participant: refusal.reason for refusal in said.refused}
    _require(said.inputs == inputs, folder, "the ballot is not what was signed")
    _require(refused == ballot.refused, folder, "the refusals are not what was signed")
    _require(said.root == ballot.root, folder, "the ballot's root is not what was signed")
    if ballot.root is not None:
        root = _digest(root_file(folder))
        _require(root == ballot.root, folder, "the root's file is not what was signed")


def _digest(path: Path) -> Digest:
    return Digest.of(path.read_bytes())


def _require_weights(
    folder: RoundFolder, recipe: Recipe, ballot: Ballot, statements: list[Statement]
) -> None:
    reports = [
        report_of(statement, counted.utility)
        for counted, statement in zip(ballot.counted, statements, strict=True)
    ]
    expected = weights(recipe.strategy.weights, reports)
    found = {counted.participant: counted.weight for counted in ballot.counted}
    _require(found == expected, folder, "the weights do not follow from the statements")


def _require(holds: bool, folder: RoundFolder, flaw: str) -> None:
    if not holds:
        raise NotReproduced(f"round {folder.number}: {flaw}")


def open_verifier(path: Path, *, coordinator: Path | None, book: Path | None) -> Verifier:
    """A verifier of a run's folder.

    Args:
        path: The run.
        coordinator: The coordinator's public key, from where it is trusted; else the run's own,
            which shows that the run is consistent, not whose it is.
        book: The participants' keys; else the run's own.

    Raises:
        RunDamaged: There is no run.
        BadKey: A key cannot be read.
    """
    folder = RunFolder(path)
    if not folder.identity.exists():
        raise RunDamaged(f"{path} holds no run: it has no {folder.identity.name}")
    own = str(read_json(folder.identity).get("coordinator"))
    key = PublicKey.load(coordinator) if coordinator else PublicKey(own)
    return Verifier(
        folder=folder, coordinator=key, book=ParticipantBook(book or folder.participants)
    )
