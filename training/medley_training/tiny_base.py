"""A random two-layer Llama with a tokenizer of bytes: real to every library, and quickly trained.

The built-in run `smoke` federates it; it shows that everything works together and nothing more.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from medley_training.local.base import no_progress_bar

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VOCABULARY = 48
_END = "<end>"
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ':' + m['content'] + '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)


def tiny_base(vocabulary: int = VOCABULARY) -> "PreTrainedModel":
    """The model, always the same one for a size of vocabulary."""
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
    vocabulary = {token: number for number, token in enumerate([_END, *alphabet])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=_END,
        pad_token=_END,
        chat_template=CHAT_TEMPLATE,
    )
    tokenizer.save_pretrained(folder)
    return len(vocabulary)


def save_tiny_base(folder: Path) -> None:
    """Write the model and its tokenizer as a Hugging Face model folder; its config comes last."""
    if (folder / "config.json").exists():
        return
    model = tiny_base(save_byte_tokenizer(folder))
    with no_progress_bar():
        model.save_pretrained(folder)
