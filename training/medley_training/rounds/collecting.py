"""The second phase of a round: contributions come in, are verified, and are kept or refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from medley_registry import timestamps

from medley_training.compression.contribution_file import check_contribution
from medley_training.errors import ContributionRefused, TooFewContributions
from medley_training.factors import AdapterFile
from medley_training.identity.admission import admit
from medley_training.identity.statement import Statement
from medley_training.identity.task import Task
from medley_training.rounds.assignment import Assignment
from medley_training.rounds.configuring import read_task, start_file
from medley_training.rounds.events import Contributed, Failed, Observer
from medley_training.rounds.questions import TrainingReply
from medley_training.rounds.refusal import refuse
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import (
    Phase,
    RoundFolder,
    read_json,
    write_bytes,
)
from medley_training.rounds.transport import Failure, Question, Request, Response, Sites

_MOST_LOSS = 1e6  # nats per token; a uniform guess among all words is about 12


@dataclass(frozen=True, slots=True)
class Collection:
    """The collecting phase of one round."""

    run: Run
    folder: RoundFolder
    sites: Sites
    observe: Observer

    def collect(self) -> tuple[str, ...]:
        """Ask every site that has not answered yet; the sites whose contributions count, sorted.

        What came before the coordinator was stopped counts and is not asked for again. A site that
        was refused is asked once more only where the round cannot close without it.

        Raises:
            TooFewContributions: Fewer counted than the recipe needs; asking again goes on.
        """
        asked = tuple(read_json(self.folder.marker(Phase.CONFIGURED))["sites"])
        rule = self.run.recipe.sites
        tasks = {site: read_task(self.run, self.folder, site) for site in asked}
        accepted = self.accepted(asked)
        open_sites = [site for site in asked if not self._is_settled(site)]
        if not open_sites and len(accepted) < rule.min_contributions:
            open_sites = [site for site in asked if site not in accepted]
        enough = rule.close_after or len(asked)
        missing: Mapping[str, str] = {}
        if open_sites and len(accepted) < enough:
            missing = self._ask({site: tasks[site] for site in open_sites}, asked, enough)
        accepted = self.accepted(asked)
        if len(accepted) < rule.min_contributions:
            reasons = "".join(f"; {site}: {missing[site]}" for site in sorted(missing))
            raise TooFewContributions(
                f"round {self.folder.number}: {len(accepted)} of {len(asked)} sites contributed,"
                f" {rule.min_contributions} are needed; run it again to ask the others once more"
                f"{reasons}"
            )
        return accepted

    def accepted(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        """The sites whose contributions are kept."""
        return tuple(site for site in asked if self.folder.statement(site).exists())

    def _is_settled(self, site: str) -> bool:
        return self.folder.statement(site).exists() or self.folder.refusal(site).exists()

    def _ask(
        self, tasks: Mapping[str, Task], asked: tuple[str, ...], enough: int
    ) -> dict[str, str]:
        """Take answers until there are enough; the sites of which none counts, and why."""
        missing = {}
        requests = {
            site: Request(
                Question.TRAIN,
                self.folder.task(site).read_text(encoding="utf-8"),
                start_file(self.folder, task.shape.rank).read_bytes(),
            )
            for site, task in tasks.items()
        }
        deadline_s = self.run.recipe.sites.deadline_s
        for site, answer in self.sites.ask(requests, deadline_s=deadline_s):
            if isinstance(answer, Failure):
                self.observe(Failed(round=self.folder.number, site=site, detail=answer.reason))
                missing[site] = answer.reason
            elif refused := self._take(tasks[site], answer, bytes_down=_size(requests[site])):
                missing[site] = str(refused)
            elif len(self.accepted(asked)) >= enough:
                break
        return missing

    def _take(self, task: Task, answer: Response, *, bytes_down: int) -> ContributionRefused | None:
        site = task.participant
        try:
            reply = TrainingReply.from_json(answer.body)
            statement = self._admit(task, reply, answer.payload)
        except ContributionRefused as refused:
            self.observe(
                refuse(self.folder, site, refused, body=answer.body, payload=answer.payload)
            )
            return refused
        self.observe(
            Contributed(
                round=self.folder.number,
                site=site,
                bytes_up=len(answer.body.encode()) + len(answer.payload),
                bytes_down=bytes_down,
                loss_first=statement.losses.first if statement.losses else None,
                loss_last=statement.losses.last if statement.losses else None,
                num_tokens=reply.num_tokens,
                duration_s=reply.duration_s,
                sample_bucket=statement.sample_bucket,
                epsilon=statement.privacy.get("epsilon"),
            )
        )
        return None

    def _admit(self, task: Task, reply: TrainingReply, payload: bytes) -> Statement:
        """Check who signed what, then the numbers; keep the file, and last the statement."""
        site = task.participant
        statement = admit(
            reply.statement, payload, task=task, book=self.run.book, at=timestamps.now()
        )
        _require_claims(statement, task)
        path = self.folder.contribution(site)
        write_bytes(path, payload)
        try:
            check_contribution(
                path,
                AdapterFile(start_file(self.folder, task.shape.rank), task.shape),
                task.shape,
                task.codec,
                trains=frozenset(task.trains),
                max_norm=self.run.recipe.checks.max_norm,
            )
        except ContributionRefused:
            path.unlink()
            raise
        write_bytes(self.folder.statement(site), reply.statement.encode())
        return statement


def _require_claims(statement: Statement, task: Task) -> None:
    """Refuse figures that no training has: the weights of all the others would hang on them."""
    losses = statement.losses
    of_start = losses.of_start if losses else None
    if of_start is None and Assignment.from_json(task.plan).wants_loss:
        raise ContributionRefused("malformed", "it does not tell the start's loss, as was asked")
    for loss in (losses.first, losses.last, of_start or 0.0) if losses else ():
        if not 0 <= loss <= _MOST_LOSS:
            raise ContributionRefused("malformed", f"a loss of {loss:.4g} is none")
    told = {name: statement.privacy[name] for name in statement.privacy.keys() - task.privacy}
    epsilon = told.pop("epsilon", 0.0)
    if told or type(epsilon) not in (int, float) or not 0 <= epsilon < math.inf:
        raise ContributionRefused("malformed", "what it tells of privacy is more than an epsilon")


def _size(request: Request) -> int:
    return len(request.body.encode()) + len(request.payload)
