"""Members on one base, run as one: the base's weights are read once for the rows of all members."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from lrensemble.export.language.stacked import StackedMembers, can_be_stacked, has_experts

Batching = Literal["stacked", "mixed batch", "loop"]
"""How members run: in one batch by stacked matrices, or by `peft`'s layers; or one after another."""


class Members:
    """Adapters on one base that look at the same tokens.

    All rows go through the base in one batch, [member · row], each with the adapter of its member, over one cache of
    keys and values. What plain LoRA adapters add is computed for all members at once (`StackedMembers`). Others that
    `peft` can mix in a batch go through its layers; and where it cannot (DoRA, experts, bases as OPT whose layers are
    given the tokens of all rows as one list), the members run one after another, each over a cache of its own: the same
    numbers up to rounding, less speed.
    """

    def __init__(
        self,
        model: Any,
        keys: Sequence[str],
        context: int | None = None,
        batching: Batching | None = None,
        stack: StackedMembers | None = None,
    ) -> None:
        """Take a model of `peft` with adapters of these names.

        Args:
            model: ready to predict.
            keys: names of the adapters in it.
            context: tokens that it can look at.
            batching: how the members run; the fastest that serves them unless given.
            stack: of these members, where there is one already.
        """
        self.model, self.keys, self.context = model, tuple(keys), context
        self.batching: Batching = batching or fastest_batching(model, self.keys)
        self.stack = (stack or StackedMembers.of(model, self.keys)) if self.batching == "stacked" else None
        base = model.get_base_model()
        self._keeps_some = "logits_to_keep" in inspect.signature(base.forward).parameters
        self._last = None if context is None else context - 1  # rows that are done are given more, and not looked at
        self._places = "position_ids" in inspect.signature(base.forward).parameters

    def alone(self, place: int) -> Members:
        """One of the members, with the weights of these."""
        keys = self.keys[place : place + 1]
        if self.stack is None:
            return Members(self.model, keys, self.context, self.batching)
        return Members(self.model, keys, self.context, self.batching, self.stack.alone(self.model, place))

    @property
    def network(self) -> Any:
        """The network that all rows go through."""
        return self.model if self.stack is None else self.stack

    @property
    def device(self) -> torch.device:
        """Where the base is."""
        found: torch.device = next(iter(self.model.parameters())).device
        return found

    @torch.inference_mode()
    def log_probs(self, ids: Tensor, mask: Tensor, *, cache: Cache | None = None, keep: Tensor | None = None) -> Tensor:
        """Log-probabilities [member, row, position, token] of the token after each position.

        They are float32, or float64 where the base is.

        Args:
            ids: [row, position] tokens that are not in the cache yet.
            mask: [row, all positions] 1 where there is a token and 0 where there is padding, also of what is in the
                cache.
            cache: what is known of the tokens before; what is computed is added to it.
            keep: positions whose logits are wanted; all unless given.
        """
        places = (mask.cumsum(1) - 1).clamp(min=0, max=self._last)[:, -ids.shape[1] :]
        if self.batching != "loop":
            logits = self._run(ids, mask, places, self.keys, cache, 0, keep)
            logits = logits.view(len(self.keys), len(ids), *logits.shape[1:])
        else:
            runs = [self._run(ids, mask, places, (key,), cache, place, keep) for place, key in enumerate(self.keys)]
            logits = torch.stack(runs)
        return torch.log_softmax(logits if logits.dtype == torch.float64 else logits.float(), dim=-1)

    def together(self, rows: int, **given: Any) -> Any:
        """What the base says to the rows of all members, in one batch.

        Args:
            rows: how many each member has.
            given: as the base takes it, [member · row, …].
        """
        if self.batching == "mixed batch":
            given["adapter_names"] = [key for key in self.keys for _ in range(rows)]
        return self.network(**given)

    def _run(
        self,
        ids: Tensor,
        mask: Tensor,
        places: Tensor,
        keys: Sequence[str],
        cache: Cache | None,
        slot: int,
        keep: Tensor | None,
    ) -> Tensor:
        """Logits [member · row, position, token] of some members, which share a slot of the cache."""
        times = len(keys)
        given: dict[str, Any] = {
            "input_ids": ids.repeat(times, 1),
            "attention_mask": mask.repeat(times, 1),
            "use_cache": cache is not None,
        }
        if self._places:
            given["position_ids"] = places.repeat(times, 1)
        if keep is not None and self._keeps_some:
            given["logits_to_keep"] = keep
        if cache is not None:
            given["past_key_values"] = cache.slots.get(slot)
        if self.batching != "loop":
            out = self.together(len(ids), **given)
        else:
            self.model.set_adapter(keys[0])
            self.model.requires_grad_(False)
            out = self.model(**given)
        if cache is not None:
            cache.slots[slot] = out.past_key_values
        logits: Tensor = out.logits
        return logits if keep is None or self._keeps_some else logits[:, keep]


def fastest_batching(model: Any, keys: Sequence[str]) -> Batching:
    """How adapters of a model of `peft` run best, of the ways that give what each is alone."""
    if can_be_stacked(model, keys):
        return "stacked"
    mixes = not any(model.peft_config[key].use_dora for key in keys)
    return "mixed batch" if mixes and not has_experts(model, keys) and _mixes(model) else "loop"


@torch.inference_mode()
def _mixes(model: Any) -> bool:
    """Whether each adapted layer is given a row for each row of the model, so that rows can have adapters of their own.

    A few tokens are tried without `peft`'s own check: where that fails, what it was asked for stays in the layers.
    """
    rows, given = 3, list[int]()
    layers = [part for part in model.modules() if hasattr(part, "lora_A")]
    hooks = [part.register_forward_pre_hook(lambda _, inputs: given.append(len(inputs[0]))) for part in layers]
    try:
        ids = torch.zeros(rows, 5, dtype=torch.int64, device=next(iter(model.parameters())).device)
        model(ids, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return set(given) <= {rows}


class Cache:
    """Keys and values of the tokens that members have looked at: of all in one slot, or of each in its own."""

    def __init__(self) -> None:
        self.slots: dict[int, Any] = {}
