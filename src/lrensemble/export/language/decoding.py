"""Texts that members write together: at each step all look at the same tokens, and one token is chosen for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.errors import ExportError
from lrensemble.export.language.consensus import Consensus, after, next_token
from lrensemble.export.language.members import Cache, Members


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How texts are written."""

    max_tokens: int = 256
    """Tokens at most."""
    temperature: float = 0.0
    """Zero takes the likeliest token, of equal ones the first; 1 draws by the probabilities, more draws more widely."""
    top_p: float = 1.0
    """Share of the probability that the likeliest tokens which are drawn from have together, at least."""
    stop: tuple[str, ...] = ()
    """Texts before which writing ends; a single one may be given as it is."""
    seed: int = 0
    """What is drawn is a function of the seed, the place of the prompt and the step."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise ExportError(f"max_tokens = {self.max_tokens} must be at least 1")
        if not 0 <= self.temperature < float("inf"):
            raise ExportError(f"temperature = {self.temperature} must be 0 (the likeliest token) or above")
        if not 0 < self.top_p <= 1:
            raise ExportError(f"top_p = {self.top_p} must be above 0 and at most 1")
        if isinstance(self.stop, str):
            object.__setattr__(self, "stop", (self.stop,))
        if "" in self.stop:
            raise ExportError("a stop text is empty; give one letter at least, or none")
        if self.seed < 0:
            raise ExportError(f"seed = {self.seed} must not be negative")


def decode(
    members: Members,
    consensus: Consensus,
    weights: NDArray[np.float64],
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    pad: int,
) -> Iterator[NDArray[np.int64]]:
    """Tokens [prompt], one for each prompt, step after step; the caller says when it is enough.

    Args:
        members: those that write.
        consensus: one of tokens or sequences.
        weights: [member], summing to 1.
        prompts: tokens of each, one at least.
        decoding: how the token is chosen.
        pad: token that fills shorter prompts, on the left.
    """
    device, longest = members.device, max(map(len, prompts))
    fill = [longest - len(prompt) for prompt in prompts]
    ids = torch.tensor([[pad] * gap + list(prompt) for gap, prompt in zip(fill, prompts, strict=True)], device=device)
    mask = torch.tensor([[0] * gap + [1] * (longest - gap) for gap in fill], device=device)
    log_weights = torch.from_numpy(weights).log().to(device)[:, None].repeat(1, len(prompts))
    cache, generators = Cache(), [np.random.default_rng((decoding.seed, row)) for row in range(len(prompts))]
    while True:
        last = torch.tensor([ids.shape[1] - 1], device=device)
        said = members.log_probs(ids, mask, cache=cache, keep=last)[:, :, 0]
        together = next_token(consensus, said, log_weights)
        chosen = choose(together.cpu(), decoding, [generator.random() for generator in generators])
        yield chosen
        ids = torch.from_numpy(chosen).to(device)[:, None]
        token = said.gather(2, ids.expand(len(said), -1, -1))[:, :, 0]
        log_weights = after(consensus, log_weights, token)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)


def choose(log_probs: Tensor, decoding: Decoding, draws: Sequence[float]) -> NDArray[np.int64]:
    """Tokens [row] of log-probabilities [row, token].

    Args:
        log_probs: those of the consensus, float64.
        decoding: temperature and top-p, in this order.
        draws: [row] numbers from 0 to 1: where the sum of the probabilities, the likeliest first, passes it.
    """
    if decoding.temperature == 0:
        likeliest: NDArray[np.int64] = log_probs.numpy().argmax(axis=1)
        return likeliest
    below = log_probs - log_probs.amax(dim=1, keepdim=True)  # a temperature near zero would leave no number else
    order = torch.sort(below / decoding.temperature, dim=1, descending=True, stable=True)
    probs = torch.softmax(order.values, dim=1)
    before = probs.cumsum(1) - probs
    kept = torch.where(before < decoding.top_p, probs, 0.0)
    kept[:, 0] = probs[:, 0]
    reached = kept.cumsum(1)
    drawn = torch.tensor(draws, dtype=torch.float64)[:, None] * reached[:, -1:]
    places = (reached <= drawn).sum(1, keepdim=True).clamp(max=(kept > 0).sum(1, keepdim=True) - 1)
    found: NDArray[np.int64] = order.indices.gather(1, places)[:, 0].numpy()
    return found
