"""Local training: tokens per second of our `train` against the same loop in plain PEFT.

    python -m tests.bench.local_training --base FOLDER [--repeats 4] [--threads 1]

"plain PEFT": a PEFT model, AdamW and the same batches in the same order, the loss over the whole
vocabulary at every position, as ``model(labels=…)`` computes it. "plain PEFT, few logits": the same
loop with our loss, so that the difference to `train` is what `train` itself costs. All run in one
process on one base and take turns (A B C C B A); each starts from a fresh adapter. Medians.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from medley_training.data.batches import Batch, batches_by_length
from medley_training.data.formatting import TokenizedExample, tokenize_example
from medley_training.data.plain_words import plain_words_examples
from medley_training.local.base import load_base
from medley_training.local.determinism import reproducible
from medley_training.local.lora import LoraShape, wrap
from medley_training.local.loss import completion_loss
from medley_training.local.trainer import TrainingPlan, train

OURS, PLAIN, FEW_LOGITS = "medley train", "plain PEFT", "plain PEFT, few logits"
BATCH_TOKENS = 768
SEED = 7


def batches_of(examples: Sequence[TokenizedExample], steps: int) -> list[Batch]:
    """The batches that `train` makes of one epoch, of which `steps` are trained on."""
    order = random.Random(SEED)
    return batches_by_length(examples, order, max_tokens=BATCH_TOKENS)[:steps]


def train_plainly(
    model: Any, batches: Sequence[Batch], pad_token_id: int, loss_of: Callable[..., Any]
) -> None:
    import torch

    parameters = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    model.train()
    for batch in batches:
        loss = loss_of(model, batch, pad_token_id=pad_token_id)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        float(loss.detach())


def mean_loss_of_all_logits(model: Any, batch: Batch, *, pad_token_id: int) -> Any:
    """The loss as transformers computes it from labels."""
    import torch

    width = max(len(example) for example in batch)
    tokens = torch.full((len(batch), width), pad_token_id)
    mask, labels = torch.zeros_like(tokens), torch.full_like(tokens, -100)
    for row, example in enumerate(batch):
        tokens[row, : len(example)] = torch.tensor(example.input_ids)
        mask[row, : len(example)] = 1
        labels[row, : len(example)] = torch.tensor(example.labels)
    return model(input_ids=tokens, attention_mask=mask, labels=labels, use_cache=False).loss


def mean_loss_of_few_logits(model: Any, batch: Batch, *, pad_token_id: int) -> Any:
    targets = sum(example.num_completion_tokens for example in batch)
    return completion_loss(model, batch, pad_token_id=pad_token_id) / targets


def measure(base: Path, *, repeats: int, steps: int, threads: int) -> dict[str, list[float]]:
    """Tokens per second of each turn, padding not counted, by loop."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    drawn = plain_words_examples(random.Random(SEED), num_letters=120, with_closing=True)
    examples = [tokenize_example(each, tokenizer, max_tokens=320) for each in drawn]
    batches, pad = batches_of(examples, steps), tokenizer.pad_token_id
    num_tokens = sum(len(example) for batch in batches for example in batch)
    plan = TrainingPlan(
        epochs=1, max_steps=steps, learning_rate=2e-3, seed=SEED, batch_tokens=BATCH_TOKENS
    )
    loops: dict[str, Callable[[Any], object]] = {
        OURS: lambda model: train(model, examples, plan, pad_token_id=pad),
        FEW_LOGITS: lambda model: train_plainly(model, batches, pad, mean_loss_of_few_logits),
        PLAIN: lambda model: train_plainly(model, batches, pad, mean_loss_of_all_logits),
    }
    bare = load_base(base)
    rates: dict[str, list[float]] = {name: [] for name in loops}
    with reproducible(SEED, threads=threads):
        for turn in range(-1, repeats):
            for name in loops if turn % 2 else reversed(loops):
                model = wrap(bare, LoraShape())
                started = time.perf_counter()
                loops[name](model)
                seconds = time.perf_counter() - started
                bare = model.unload()
                if turn >= 0:  # the first turn warms up
                    rates[name].append(num_tokens / seconds)
    return rates


def main() -> None:
    """Runs the comparison and prints a table, or JSON with --json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", required=True, type=Path, help="folder of the base model")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = measure(
        options.base, repeats=options.repeats, steps=options.steps, threads=options.threads
    )
    ours = statistics.median(rates[OURS])
    rows = [
        {
            "loop": name,
            "tokens_per_s": statistics.median(found),
            "least": min(found),
            "most": max(found),
            "medley_to_it": ours / statistics.median(found),
            "medley_to_it_by_turn": statistics.median(
                mine / its for mine, its in zip(rates[OURS], found, strict=True)
            ),
        }
        for name, found in rates.items()
    ]
    if options.json:
        print(json.dumps({"rows": rows, "rates": rates}))
        return
    for row in rows:
        print(
            f"{row['loop']:23} {row['tokens_per_s']:6.0f} tokens/s ({row['least']:.0f} to"
            f" {row['most']:.0f})   medley / it: {row['medley_to_it']:.3f}"
            f" (median of turns {row['medley_to_it_by_turn']:.3f})"
        )


if __name__ == "__main__":
    main()
