"""A tokenizer trained on the spot, and texts as one stream of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.models.transformers_library import transformers_with

SPECIAL = ("<pad>", "<s>", "</s>")
PAD, BEGIN, END = range(len(SPECIAL))


def train_tokenizer(texts: Sequence[str], vocabulary: int, context: int) -> Any:
    """A byte-level tokenizer of byte-pair merges (Sennrich 2016; Radford 2019, sec. 2.2), for `transformers`.

    Args:
        texts: what it is trained on.
        vocabulary: its tokens; fewer where the texts hold fewer pairs.
        context: largest number of tokens that it is used for.

    Raises:
        MissingExtraError: `transformers` is not installed.
    """
    transformers = transformers_with("PreTrainedTokenizerFast", "a language model", "llm")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=SPECIAL[PAD],
        bos_token=SPECIAL[BEGIN],
        eos_token=SPECIAL[END],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )


def token_stream(tokenizer: Any, texts: Sequence[str]) -> NDArray[np.int64]:
    """[token] ids of all texts, one after the other, each between its begin and its end."""
    encoded = tokenizer.backend_tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return np.array([token for each in encoded for token in (BEGIN, *each.ids, END)], dtype=np.int64)
