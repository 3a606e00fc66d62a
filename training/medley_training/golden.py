"""Golden prompts: what an adapter thinks of a few answers, measured where it was made.

Whoever serves it measures the same before he lets anyone ask it (`medley_registry.golden`).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_registry.admission import GOLDEN_FILE
from medley_registry.golden import MOST_PROMPTS, MOST_TOKENS, GoldenPrompt, GoldenPrompts

from medley_training.data.examples import Example
from medley_training.errors import NothingToLearn
from medley_training.local.base import load_base
from medley_training.local.lora import read_adapter

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TOLERANCE = 0.1
"""Nats per token. The arithmetic of other machines moves the mean by about a tenth of this."""


def write_golden(
    adapter: Path,
    *,
    base: Path,
    examples: Iterable[Example],
    most: int = 8,
    tolerance: float = TOLERANCE,
) -> GoldenPrompts:
    """Measure an adapter on the last completions of examples, and write that into its folder.

    The texts go wherever the adapter goes: give made-up ones, never those of patients.

    Args:
        adapter: A folder with an adapter that PEFT can load.
        base: The base model's folder.
        examples: Chats; those whose answer is longer than may be are passed over.
        most: How many to measure.
        tolerance: How far a server's mean log-probability may be from ours.

    Raises:
        AdapterNotReadable: `adapter` holds none.
        NothingToLearn: No example can be used.
    """
    from peft import PeftModel
    from transformers import AutoTokenizer

    read_adapter(adapter)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = PeftModel.from_pretrained(load_base(base), adapter).eval()
    prompts: list[GoldenPrompt] = []
    for example in examples:
        if len(prompts) == min(most, MOST_PROMPTS):
            break
        if (measured := _measure(model, tokenizer, example)) is not None:
            prompts.append(measured)
    if not prompts:
        raise NothingToLearn(f"no example has an answer of 1 to {MOST_TOKENS} tokens")
    golden = GoldenPrompts(tuple(prompts), tolerance)
    (adapter / GOLDEN_FILE).write_bytes(golden.to_json())
    return golden


def _measure(model: "PreTrainedModel", tokenizer: Any, example: Example) -> GoldenPrompt | None:
    prompt, answer = _texts(tokenizer, example)
    before = tokenizer.encode(prompt, add_special_tokens=False)
    tokens = tokenizer.encode(answer, add_special_tokens=False)
    if not before or not 1 <= len(tokens) <= MOST_TOKENS:
        return None
    return GoldenPrompt(
        prompt=prompt,
        answer=answer,
        tokens=len(tokens),
        logprob=round(_mean_logprob(model, before, tokens), 6),
    )


def _texts(tokenizer: Any, example: Example) -> tuple[str, str]:
    """What comes before the last completion, as the model sees it, and that completion."""
    last = max(i for i, message in enumerate(example.messages) if message.role == "assistant")
    chat = [{"role": one.role, "content": one.content} for one in example.messages[:last]]
    prompt = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return str(prompt), example.messages[last].content


def _mean_logprob(model: "PreTrainedModel", before: list[int], tokens: list[int]) -> float:
    import torch

    ids = torch.tensor([before + tokens], device=model.device)
    with torch.no_grad():
        logits = model(input_ids=ids, logits_to_keep=len(tokens) + 1).logits[0, :-1].float()
    logprobs = logits.log_softmax(dim=-1)
    return float(logprobs.gather(1, ids[0, len(before) :, None]).mean())
