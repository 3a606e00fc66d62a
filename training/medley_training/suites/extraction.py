"""The extraction suite: documents in, records out, compared field by field."""

from dataclasses import dataclass

from medley_registry import Digest, Item
from medley_registry.canonical import Json, canonical_json

from medley_training.documents.extraction import INSTRUCTION, completion, parse_answer
from medley_training.documents.scoring import FieldCounts, Overlap, compare
from medley_training.evaluation.extraction import document_scores
from medley_training.suites.answer import Answer
from medley_training.suites.document_set import HeldOutDocument
from medley_training.suites.endpoint import Endpoint, Said
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.in_flight import all_answered
from medley_training.suites.suite import Findings, Observer

MAX_TOKENS = 768


@dataclass(frozen=True, slots=True)
class ExtractionSuite:
    """Documents of several sites.

    Attributes:
        max_tokens: An answer ends here at the latest.
    """

    documents: tuple[HeldOutDocument, ...]
    max_tokens: int = MAX_TOKENS
    name: str = "extraction"

    @property
    def main_metric(self) -> str:
        """How many of its fields were right."""
        return "field_f1"

    @property
    def digest(self) -> Digest:
        """Of the documents, their truths, the instruction and the length of answers."""
        items: list[Json] = [
            [d.name, d.site, d.text, d.truth.to_json()]
            for d in sorted(self.documents, key=lambda document: document.name)
        ]
        asked: Json = {"instruction": INSTRUCTION, "max_tokens": self.max_tokens, "items": items}
        return Digest.of(canonical_json(asked))

    async def ask(self, endpoint: Endpoint, model: EvaluatedModel, observer: Observer) -> Findings:
        """Let a record be extracted from every document.

        Raises:
            NotMeasured: A document was not answered.
        """

        async def ask(document: HeldOutDocument) -> Said:
            said = [{"role": "user", "content": INSTRUCTION + document.text}]
            return await endpoint.chat(model, said, max_tokens=self.max_tokens)

        said = await all_answered(
            self.documents, ask, at_once=endpoint.concurrency, observer=observer
        )
        return Findings(tuple(map(document_answer, self.documents, said)))


def document_answer(document: HeldOutDocument, said: Said) -> Answer:
    """How an answer counts against the document's truth."""
    counts = compare(document.truth, parse_answer(said.text))
    return Answer(
        item=Item(document.name, document.name, document.site, document_tallies(counts)),
        prompt=document.text,
        said=said.text,
        truth=completion(document.truth),
        details={
            "is_cut": said.is_cut,
            "right": counts.true_positive,
            "wrong": counts.false_positive,
            "missed": counts.false_negative,
        },
    )


def document_tallies(counts: FieldCounts) -> dict[str, tuple[float, float]]:
    """Every metric of one document; what it is divided by depends on the truth where it can.

    A gate refuses a metric that only one version counted, so none of these counts nothing just
    because an answer was bad.
    """
    in_rounds = document_scores(counts).tallies
    tallies = {name: (float(t.sum), float(t.count)) for name, t in in_rounds.items()}
    exact = tallies.pop("field_exact")
    invalid = float(not counts.valid_json)
    return tallies | {
        "document_exact": exact,
        "json_invalid": (invalid, 1.0),
        "term_f1": _f1(counts.terms),
        "value_f1": _f1(counts.values),
        "row_exact_f1": _f1(counts.rows),
        "false_fills": (float(counts.false_fills), float(counts.left_empty)),
    }


def _f1(overlap: Overlap) -> tuple[float, float]:
    """Nothing is counted where the truth has none, whatever the answer says: see above."""
    if not overlap.truth:
        return 0.0, 0.0
    return 2.0 * overlap.both, float(overlap.truth + overlap.answer)
