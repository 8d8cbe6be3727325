"""A small Llama, pre-trained on the spot: a real base model where none can be had."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from lrensemble.config.pretraining import Pretraining
from lrensemble.errors import DataError, SpecError, TrainingError
from lrensemble.language.ngrams import bigram_loss, unigram_loss
from lrensemble.language.pretrained import Losses, Pretrained, is_in_cache, kept, placed
from lrensemble.language.texts import TextFile, documents
from lrensemble.language.tokenizing import BEGIN, END, PAD, token_stream, train_tokenizer
from lrensemble.models.arithmetic import threads
from lrensemble.models.transformers_library import quiet, transformers_with
from lrensemble.policies import Policy
from lrensemble.policies import build as build_policy

logger = logging.getLogger(__name__)

HELD_OUT = 50
"""One document of so many is held out, and one at least."""
LINES = 20
"""Lines of progress."""
ROWS = 16
"""Sequences that are judged at once."""


LARGEST_RATE = 1e30
"""Rate from which on nothing is learned, and which torch cannot take a step by."""


class Streams(NamedTuple):
    """Tokens of all documents, one after the other."""

    train: NDArray[np.int64]
    """[token]"""
    held_out: NDArray[np.int64]
    """[token] of documents that nothing is learned from, not even the tokenizer."""
    held_out_bytes: int
    """Length of those documents as text."""


def pretrain(files: Sequence[TextFile], out: Path, settings: Pretraining | None = None) -> Pretrained:
    """Train a small language model on texts, or take the one that was trained on the same before; write it to a folder.

    It computes on one thread of the CPU: the same texts and settings give the same bits on machines of one kind.

    Args:
        files: what is read.
        out: folder of the model, its tokenizer and `pretrain.json`; as it is where it holds the very same.
        settings: sizes, steps and seed.

    Raises:
        SpecError: settings that contradict each other.
        DataError: a file cannot be used, or the texts are too few.
        StorageError: a file cannot be read, or the folder not be written, or it holds something else.
        TrainingError: the loss is not finite any more.
        MissingExtraError: `transformers` is not installed.
    """
    return placed(pretrained(files, settings), out)


def pretrained(files: Sequence[TextFile], settings: Pretraining | None = None) -> Pretrained:
    """The same in the cache, where it stays. Raises as `pretrain` does."""
    settings = settings or Pretraining()
    policy = _check(settings)
    transformers_with("LlamaForCausalLM", "a language model", "llm")
    return kept([file.path for file in files], _options(files, settings), lambda: _trained(files, settings, policy))


def is_kept(files: Sequence[TextFile], settings: Pretraining) -> bool:
    """Whether the cache has it already, so that it costs no time. Raises as `pretrain` does."""
    _check(settings)
    return is_in_cache([file.path for file in files], _options(files, settings))


def _check(settings: Pretraining) -> Policy:
    if settings.width % (2 * settings.heads):
        raise SpecError(
            f"width = {settings.width} cannot be divided among heads = {settings.heads}; "
            f"give a multiple of {2 * settings.heads}"
        )
    if settings.length > settings.context:
        raise SpecError(f"length = {settings.length} is above context = {settings.context}; give at most that")
    return build_policy(settings.policy, settings.steps)


def _options(files: Sequence[TextFile], settings: Pretraining) -> dict[str, object]:
    read_as = [{"field": file.field, "until": file.until} for file in files]
    return {"read_as": read_as, "settings": settings.model_dump(mode="json")}


def _trained(files: Sequence[TextFile], settings: Pretraining, policy: Policy) -> tuple[Any, Any, Losses]:
    """The model, its tokenizer, and what they are worth."""
    with threads(1):
        logger.info("reading texts and training the tokenizer")
        tokenizer, streams = _streams(documents(files), settings)
        model = _model(settings, len(tokenizer))
        logger.info("%s tokens, a model of %s parameters", f"{len(streams.train):,}", f"{model.num_parameters():,}")
        _fit(model, streams.train, settings, policy)
        return model, tokenizer, _judged(model, streams, settings.length)


def _streams(texts: Sequence[str], settings: Pretraining) -> tuple[Any, Streams]:
    if len(texts) < 2:
        raise DataError(f"the texts make {len(texts)} documents; give two or more, one of which is held out")
    order = np.random.default_rng(settings.seed).permutation(len(texts))
    count = max(1, len(texts) // HELD_OUT)
    held_out, train = ([texts[place] for place in part] for part in (order[:count], order[count:]))
    tokenizer = train_tokenizer(train, settings.vocabulary, settings.context)
    streams = Streams(
        token_stream(tokenizer, train), token_stream(tokenizer, held_out), sum(len(each.encode()) for each in held_out)
    )
    for name, stream in (("trained on", streams.train), ("held out", streams.held_out)):
        if len(stream) <= settings.length:
            raise DataError(
                f"the texts that are {name} hold {len(stream)} tokens, and one sequence takes {settings.length + 1}; "
                "give more text, or a smaller length"
            )
    return tokenizer, streams


def _model(settings: Pretraining, tokens: int) -> Any:
    transformers = transformers_with("LlamaForCausalLM", "a language model", "llm")
    config = transformers.LlamaConfig(
        vocab_size=tokens,
        hidden_size=settings.width,
        intermediate_size=8 * settings.width // 3,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.heads,
        max_position_embeddings=settings.context,
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BEGIN,
        eos_token_id=END,
    )
    with torch.random.fork_rng(devices=[]), quiet(transformers):
        torch.default_generator.manual_seed(settings.seed)  # torch.manual_seed would seed every GPU as well
        return transformers.LlamaForCausalLM(config)


def _fit(model: Any, stream: NDArray[np.int64], settings: Pretraining, policy: Policy) -> None:
    """Train in place: AdamW with betas 0.9 and 0.95, gradients clipped to norm 1 (Touvron 2023, sec. 2.3)."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=settings.weight_decay)
    tell = _progress(settings.steps)
    model.train()
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = policy(step)
        loss = _losses(model, _batch(stream, settings, step)).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        value = loss.item()
        if not (math.isfinite(value) and policy(step) < LARGEST_RATE):  # torch raises on a rate that float32 has not
            raise TrainingError(
                f"pre-training diverged at step {step} (rate {policy(step):g}, loss {value:g}); give a lower rate"
            )
        optimizer.step()
        tell(step + 1, value)
    model.eval()


def _batch(stream: NDArray[np.int64], settings: Pretraining, step: int) -> Tensor:
    """Sequences [batch, length + 1] from anywhere in the stream: a function of seed and step."""
    last = len(stream) - settings.length
    starts = np.random.default_rng((settings.seed, step)).integers(last, size=settings.batch_size)
    return torch.from_numpy(np.stack([stream[start : start + settings.length + 1] for start in starts]))


def _losses(model: Any, sequences: Tensor) -> Tensor:
    """Losses [batch, length] of the tokens after the first of each sequence [batch, length + 1], in nats."""
    logits = model(input_ids=sequences[:, :-1], use_cache=False).logits
    after = sequences[:, 1:]
    return cross_entropy(logits.flatten(0, 1), after.flatten(), reduction="none").view(after.shape)


def _progress(steps: int) -> Callable[[int, float], None]:
    """A function that tells of some steps how far they are, and what is left of the time."""
    begin, every = time.monotonic(), max(1, steps // LINES)

    def tell(done: int, loss: float) -> None:
        if done % every == 0 or done == steps:
            left = (time.monotonic() - begin) / done * (steps - done)
            logger.info("step %d of %d, loss %.3f, about %.0f s left", done, steps, loss, left)

    return tell


@torch.no_grad()
def _judged(model: Any, streams: Streams, length: int) -> Losses:
    """Losses on what was held out: sequences side by side as long as those of a batch, the rest at the end left out."""
    count = (len(streams.held_out) - 1) // length
    before, after = streams.held_out[: count * length], streams.held_out[1 : count * length + 1]
    sequences = torch.from_numpy(np.column_stack([before.reshape(count, length), after[length - 1 :: length]]))
    total = sum(float(_losses(model, part).double().sum()) for part in torch.split(sequences, ROWS))
    tokens = model.config.vocab_size
    return Losses(
        loss=total / len(after),
        unigram_loss=unigram_loss(streams.train, after, tokens),
        bigram_loss=bigram_loss(streams.train, before, after, tokens),
        judged_tokens=len(after),
        trained_tokens=len(streams.train),
        held_out_tokens=len(streams.held_out),
        held_out_bytes=streams.held_out_bytes,
    )
