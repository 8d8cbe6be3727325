"""Tiny random language models for tests: nothing is learnt, everything is real.

A Llama of 8,000 parameters and a tokenizer of 64 tokens, built in milliseconds and written as a hub would have them.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
CHARACTERS = " \nabcdefghijklmnopqrstuvwxyz0123456789.,:?!#"
PAIRS = "t h|th e|i n|a n|e r|o n|an d|in g|r e|s t|o u|l l|e s|o r|e d|t o"
"""What is merged, in this order, to tokens of two and three letters: tokens depend on what is beside a letter."""

VOCABULARY = len(SPECIAL) + len(CHARACTERS) + len(PAIRS.split("|"))
PAD, BEGIN, END, UNKNOWN = range(len(SPECIAL))


def tiny_tokenizer(*, padding: bool = True) -> Any:
    """A tokenizer of lower-case letters, digits and some signs; all else is one unknown token.

    Args:
        padding: whether it has a token to pad with, which that of GPT-2 has not.
    """
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models

    merges = [(left, right) for left, right in (pair.split(" ") for pair in PAIRS.split("|"))]
    names = [*SPECIAL, *CHARACTERS, *(left + right for left, right in merges)]
    vocabulary = {name: place for place, name in enumerate(names)}
    made = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    made.add_special_tokens(list(SPECIAL))
    made.decoder = decoders.Fuse()
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if padding:
        special["pad_token"] = "<pad>"
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, clean_up_tokenization_spaces=False, **special)


def tiny_model(seed: int = 0, *, vocabulary: int = VOCABULARY, context: int = 128, dtype: Any = torch.float32) -> Any:
    """A Llama of two layers of 16 units and two heads, its random weights a function of the seed, ready to predict."""
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        intermediate_size=40,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=context,
        initializer_range=0.3,
        pad_token_id=PAD,
        bos_token_id=BEGIN,
        eos_token_id=END,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return transformers.LlamaForCausalLM(config).eval().to(dtype)


def tiny_base(folder: Path, seed: int = 0, *, padding: bool = True, context: int = 128) -> Path:
    """Write a tiny model and its tokenizer to a folder, as `save_pretrained` does, and return the folder."""
    tiny_model(seed, context=context).save_pretrained(folder)
    tiny_tokenizer(padding=padding).save_pretrained(folder)
    return folder
