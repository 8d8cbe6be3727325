"""A team as a causal model of `transformers`: what takes such a model and calls `generate` takes a team."""

from __future__ import annotations

import copy
import functools
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from lrensemble.errors import ExportError
from lrensemble.export.language.consensus import next_token, of_tokens
from lrensemble.export.language.ensemble import LanguageEnsemble


def causal_model(ensemble: LanguageEnsemble) -> Any:
    """A model of `transformers` whose logits are log-probabilities of the team.

    ```python
    model = causal_model(team)
    model.generate(**tokenizer("The cat", return_tensors="pt"), do_sample=True, top_k=50)
    ```

    Its weights are those of the base and the adapters, which it shares with the team. One text is written for each
    prompt: there are no beams.

    Raises:
        ExportError: a consensus that depends on all that was written (`sequence_likelihoods`), or members that cannot
            be mixed in a batch (`Members`); `LanguageEnsemble.generate` writes with both.
    """
    if of_tokens(ensemble.description.consensus) == "sequence_likelihoods":
        raise ExportError(
            "consensus 'sequence_likelihoods' depends on all that was written, which a model of transformers is not "
            "told; use LanguageEnsemble.generate, or a consensus of tokens"
        )
    if ensemble.members.batching == "loop":
        raise ExportError(
            "adapters of this kind, or on this base, cannot be mixed in one batch; use LanguageEnsemble.generate"
        )
    return _model_class()(ensemble)


@functools.cache
def _model_class() -> Any:
    """The class, made where `transformers` is there."""
    transformers: Any = import_module("transformers")
    outputs: Any = import_module("transformers.modeling_outputs")

    class TeamForCausalLM(transformers.PreTrainedModel, transformers.GenerationMixin):  # type: ignore[misc]
        """Members of a team as one causal model; the cache holds a row for each member and prompt."""

        _supports_sdpa = _supports_flash_attn = _supports_flex_attn = True  # it attends to nothing; its members do

        def __init__(self, ensemble: LanguageEnsemble) -> None:
            super().__init__(copy.deepcopy(ensemble.model.get_base_model().config))
            self.adapters = ensemble.members.network
            self.members = ensemble.members
            self.consensus = of_tokens(ensemble.description.consensus)
            self.log_weights = torch.from_numpy(ensemble.weights).log()
            self.generation_config = ensemble.model.get_base_model().generation_config
            self.eval()

        def forward(
            self,
            input_ids: Tensor,
            attention_mask: Tensor | None = None,
            position_ids: Tensor | None = None,
            past_key_values: Any = None,
            use_cache: bool = False,
            **_: Any,
        ) -> Any:
            """Log-probabilities [row, position, token] of the team, as logits."""
            times = len(self.members.keys)
            given = {"input_ids": input_ids, "attention_mask": attention_mask, "position_ids": position_ids}
            out = self.members.together(
                len(input_ids),
                **{name: each.repeat(times, 1) for name, each in given.items() if each is not None},
                past_key_values=past_key_values,
                use_cache=use_cache,
            )
            said = torch.log_softmax(out.logits.float(), dim=-1).view(times, -1, out.logits.shape[-1])
            log_weights = self.log_weights.to(said.device)[:, None].expand(said.shape[:2])
            together = next_token(self.consensus, said, log_weights)
            return outputs.CausalLMOutputWithPast(
                logits=together.view(*input_ids.shape, -1).float(), past_key_values=out.past_key_values
            )

        def generate(self, *args: Any, **options: Any) -> Any:
            """As `transformers` has it, without beams."""
            if options.get("num_beams", 1) != 1 or options.get("assistant_model") is not None:
                raise ExportError("a team has no beams and no assistant; leave num_beams and assistant_model out")
            return super().generate(*args, **options)

    return TeamForCausalLM
