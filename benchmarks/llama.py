"""A Llama of random weights, adapters on it and sequences to learn: what language models are measured with, offline."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from lrensemble.config import Base
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.sequences import Sequences
from lrensemble.targets import Classes


class Llama(NamedTuple):
    """Shape of a model."""

    hidden: int
    inner: int
    layers: int
    heads: int
    vocabulary: int
    dtype: str = "float32"

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.layers} x {self.hidden}, {self.vocabulary} tokens, {self.dtype}"


def random_llama(shape: Llama, device: torch.device) -> Any:
    """A causal model on a device, frozen; nothing is downloaded or written."""
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=2048,
    )
    torch.manual_seed(0)
    with device:
        model = transformers.LlamaForCausalLM(config)
    return model.to(getattr(torch, shape.dtype)).requires_grad_(False).eval()


def adapter(base: Any, rank: int, seed: int) -> Any:
    """A base with an adapter on all its linear layers that has learnt something; the weights of the base are shared."""
    import peft

    torch.manual_seed(seed)
    own = copy.deepcopy(base, {id(each): each for each in base.parameters()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it asks transformers by a name that is to change
        network = peft.get_peft_model(own, lora_config(own, rank))
    for name, parameter in network.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.01)
    return network


def lora_config(model: Any, rank: int) -> Any:
    """Settings of an adapter on all linear layers but the last."""
    import peft

    last = model.get_output_embeddings()
    linear = [name for name, part in model.named_modules() if isinstance(part, torch.nn.Linear) and part is not last]
    names = sorted({name.rpartition(".")[2] for name in linear})
    return peft.LoraConfig(task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, target_modules=names)


def random_sequences(shape: Llama, rows: int, length: int, device: torch.device) -> SequenceDataset:
    """Sequences of one length, the second half of each an answer."""
    names = Classes(names=tuple(f"t{place}" for place in range(shape.vocabulary)))
    base = Base(path="random", weights_sha256="0" * 64)
    splits = {split: _sequences(shape, count, length) for split, count in (("train", rows), ("val", 2), ("test", 2))}
    return SequenceDataset.of("random", splits, names, base).to(device)


def _sequences(shape: Llama, rows: int, length: int) -> Sequences:
    ids = np.random.default_rng(rows).integers(shape.vocabulary, size=(rows, length))
    answer = np.broadcast_to(np.arange(length) >= length // 2, (rows, length)).copy()
    return Sequences(ids, np.full(rows, length), answer)


def adapters(base: Any, rank: int, members: int) -> Sequence[Any]:
    """As many adapters, each of a seed of its own."""
    return [adapter(base, rank, seed) for seed in range(members)]
