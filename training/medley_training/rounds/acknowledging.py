"""The end of a round for its sites: each one that was counted gets proof of it."""

import json

from medley_training.identity.envelope import Envelope
from medley_training.identity.merkle_log import MerkleLog
from medley_training.identity.tree_head import Receipt
from medley_training.rounds.ballot import read_ballot, read_tree_head
from medley_training.rounds.events import Failed, Observer
from medley_training.rounds.receipts import Acknowledgement
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import Phase, RoundFolder, write_json
from medley_training.rounds.transport import Failure, Question, Request, Sites


def acknowledge(run: Run, folder: RoundFolder, sites: Sites, *, observe: Observer) -> None:
    """Send receipts; a site that cannot be reached, or finds a flaw, is reported.

    A round does not wait for this and is not undone by it: a site that misses one receipt is shown
    with the next that the log has only grown.

    Raises:
        LogDamaged: The log is no longer the one whose head was signed.
    """
    log = MerkleLog(run.folder.log)
    ballot = read_ballot(folder)
    head = read_tree_head(folder, [run.key.public])
    head.check_log(log)
    statement = Envelope.from_json(folder.marker(Phase.PUBLISHED).read_text(encoding="utf-8"))
    growth = {
        str(size): log.consistency_proof(size, head.size)
        for size in _earlier_sizes(run, folder.number)
    }
    requests = {}
    for counted in ballot.counted:
        receipt = Receipt.of(log, counted.leaf, head=head, key=run.key)
        sent = Acknowledgement(receipt=receipt, growth=growth, round_statement=statement)
        requests[counted.participant] = Request(Question.RECEIPT, json.dumps(sent.to_json()))
    missed = []
    for site, answer in sites.ask(requests, deadline_s=run.recipe.sites.deadline_s):
        if isinstance(answer, Failure):
            missed.append(site)
            observe(Failed(round=folder.number, site=site, detail=f"receipt: {answer.reason}"))
    write_json(folder.marker(Phase.ACKNOWLEDGED), {"missed": sorted(missed)})


def _earlier_sizes(run: Run, number: int) -> list[int]:
    return [read_ballot(run.folder.round(earlier)).tree_size for earlier in range(1, number)]
