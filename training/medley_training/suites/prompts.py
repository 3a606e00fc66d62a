"""The suite of free-form prompts: what once was answered well must go on being so."""

from dataclasses import dataclass

from medley_registry import Digest, Item
from medley_registry.canonical import canonical_json

from medley_training.suites.answer import Answer
from medley_training.suites.endpoint import Endpoint, Said
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.golden import GoldenPrompt
from medley_training.suites.in_flight import all_answered
from medley_training.suites.site_name import check_sites
from medley_training.suites.suite import Findings, Observer


@dataclass(frozen=True, slots=True)
class PromptSuite:
    """Prompts, each with its demands.

    Raises:
        BadSuite: A site has a name that none may have.
    """

    prompts: tuple[GoldenPrompt, ...]
    name: str = "prompts"

    def __post_init__(self) -> None:
        check_sites(prompt.site for prompt in self.prompts)

    @property
    def main_metric(self) -> str:
        """Whether an answer meets all that is demanded of it."""
        return "pass_rate"

    @property
    def digest(self) -> Digest:
        """Of the prompts with their demands."""
        in_order = sorted(self.prompts, key=lambda prompt: prompt.id)
        return Digest.of(canonical_json([each.model_dump(mode="json") for each in in_order]))

    async def ask(self, endpoint: Endpoint, model: EvaluatedModel, observer: Observer) -> Findings:
        """Let every prompt be answered, greedily.

        Raises:
            NotMeasured: One was not.
        """

        async def ask(prompt: GoldenPrompt) -> Said:
            return await endpoint.chat(model, prompt.chat, max_tokens=prompt.max_tokens)

        said = await all_answered(
            self.prompts, ask, at_once=endpoint.concurrency, observer=observer
        )
        return Findings(tuple(map(prompt_answer, self.prompts, said)))


def prompt_answer(prompt: GoldenPrompt, said: Said) -> Answer:
    """How an answer counts: it passes, or not and why."""
    broken = prompt.broken_by(said.text)
    demands = prompt.model_dump(
        mode="json", exclude_defaults=True, exclude={"id", "prompt", "messages", "site"}
    )
    return Answer(
        item=Item(prompt.id, prompt.id, prompt.site, {"pass_rate": (float(not broken), 1.0)}),
        prompt=prompt.chat[-1]["content"],
        said=said.text,
        truth=canonical_json(demands).decode(),
        details={"broken": [*broken], "is_cut": said.is_cut},
    )
