"""The decision on a case: every demand with what was found, and what is lacking, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from medley_registry import timestamps
from medley_registry.canonical import Json
from medley_registry.decisions import Decision, Outcome
from medley_registry.gate.bootstrap import DRAWS
from medley_registry.gate.case import Case
from medley_registry.gate.weighing import Weighed
from medley_registry.index import IndexReader
from medley_registry.policies import Approval
from medley_registry.trusting import valid_signers


@dataclass(frozen=True, slots=True)
class Judgement:
    """A case with everything known about it.

    Attributes:
        weighed: Its comparisons (`medley_registry.gate.weighing.weigh`).
        missing_signers: Key ids.
        approvers: Who consented and is not the one who promotes.
    """

    case: Case
    weighed: tuple[Weighed, ...]
    missing_signers: tuple[str, ...]
    approvers: tuple[str, ...]

    @classmethod
    def read(
        cls, reader: IndexReader, case: Case, weighed: Sequence[Weighed], *, promoter: str | None
    ) -> "Judgement":
        """Add to a weighed case who has signed and who has consented."""
        signers = valid_signers(reader, case.candidate) if case.policy.signers else set()
        given = {approval.actor for approval in current_approvals(reader, case)}
        return cls(
            case,
            tuple(weighed),
            tuple(key for key in case.policy.signers if key not in signers),
            tuple(sorted(given - {promoter})),
        )

    @property
    def missing_approvals(self) -> int:
        return max(0, self.case.policy.approvals - len(self.approvers))

    def lacks(self) -> list[str]:
        """What is demanded and lacking, in words; empty if the alias may be moved."""
        lacking = [str(one.requirement) for one in self.case.bounds if not one.is_met()]
        lacking += [one.lack for one in self.weighed if not one.is_met]
        lacking += [f"a signature by {key_id[:12]}" for key_id in self.missing_signers]
        if missing := self.missing_approvals:
            plural = "s" * (missing > 1)
            lacking.append(f"{missing} more approval{plural} by others than the promoter")
        return lacking

    def decide(self, *, ordinal: int, actor: str) -> Decision:
        """The decision as it is kept."""
        case = self.case
        return Decision(
            adapter=case.candidate.adapter,
            alias=case.alias,
            generation=case.generation,
            ordinal=ordinal,
            number=case.candidate.number,
            digest=case.candidate.digest,
            revision=case.revision,
            outcome=Outcome.REFUSED if self.lacks() else Outcome.PASSED,
            report=self._report(),
            actor=actor,
            at=timestamps.now(),
        )

    def _report(self) -> dict[str, Json]:
        baseline = self.case.baseline
        policy = self.case.policy
        return {
            "baseline": {"number": baseline.number, "digest": str(baseline.digest)}
            if baseline
            else None,
            "requirements": [
                {
                    "demand": str(bound.requirement),
                    "evidence": str(bound.evidence.digest) if bound.evidence else None,
                    "found": bound.evidence.metrics.get(bound.requirement.metric)
                    if bound.evidence
                    else None,
                    "is_met": bound.is_met(),
                }
                for bound in self.case.bounds
            ],
            "significance": policy.significance,
            "draws": DRAWS,
            "comparisons": [one.to_json() for one in self.weighed],
            "signers": [
                {"key_id": key_id, "is_met": key_id not in self.missing_signers}
                for key_id in policy.signers
            ],
            "approvals": {
                "needed": policy.approvals,
                "by": [*self.approvers],
                "is_met": not self.missing_approvals,
            },
        }


def current_approvals(reader: IndexReader, case: Case) -> list[Approval]:
    """The approvals that count for this case."""
    return reader.all(
        Approval,
        adapter=case.candidate.adapter,
        alias=case.alias,
        generation=case.generation,
        number=case.candidate.number,
        revision=case.revision,
    )
