"""A random two-layer Llama that trains in milliseconds, always the same one."""

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from medley_training.data.formatting import IGNORED_LABEL, TokenizedExample

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VOCABULARY = 48
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ':' + m['content'] + '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)


def tiny_base(vocabulary: int = VOCABULARY) -> "PreTrainedModel":
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config)


def save_byte_tokenizer(folder: Path) -> int:
    """Write a tokenizer of single bytes with a small chat template; returns its vocabulary size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<end>", *alphabet])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<end>",
        pad_token="<end>",
        chat_template=CHAT_TEMPLATE,
    )
    tokenizer.save_pretrained(folder)
    return len(vocabulary)


def copying_examples(count: int) -> list[TokenizedExample]:
    """Prompts of varied length; the completion to learn is always the same three tokens."""
    random = Random(0)
    completion = (7, 8, 2)
    prompts = [
        tuple(random.randrange(10, VOCABULARY) for _ in range(random.randint(2, 6)))
        for _ in range(count)
    ]
    return [
        TokenizedExample(prompt + completion, (IGNORED_LABEL,) * len(prompt) + completion)
        for prompt in prompts
    ]
