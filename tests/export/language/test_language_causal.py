"""A team as a model of transformers."""

from pathlib import Path

import pytest
import torch
from tests.export.language.adapters import write_adapter
from tests.export.language.conftest import Team
from tests.language.models import BEGIN, PAD

from lrensemble.errors import ExportError
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.export.language.causal import causal_model

PROMPTS = ("the cat sat", "name three animals.")


@pytest.mark.parametrize("consensus", ["token_probabilities", "token_logits"])
def test_generate_of_transformers_writes_what_the_team_writes(team: Team, consensus: str) -> None:
    ensemble = team(consensus)
    tokens = [[BEGIN, *ensemble.tokenizer(prompt)["input_ids"]] for prompt in PROMPTS]
    longest = max(map(len, tokens))
    ids = torch.tensor([[PAD] * (longest - len(own)) + own for own in tokens])
    found = causal_model(ensemble).generate(
        input_ids=ids, attention_mask=(ids != PAD).long(), max_new_tokens=8, do_sample=False
    )
    for own, row in zip(
        ensemble.generate_all(PROMPTS, Decoding(max_tokens=8)), found[:, longest:].tolist(), strict=True
    ):
        assert tuple(row[: len(own.tokens)]) == own.tokens


def test_what_transformers_cannot_do_is_refused(team: Team, base: Path) -> None:
    with pytest.raises(ExportError, match="depends on all that was written"):
        causal_model(team("sequence_likelihoods"))
    with pytest.raises(ExportError, match="no beams"):
        causal_model(team("token_logits")).generate(input_ids=torch.tensor([[BEGIN, 20]]), num_beams=2)
    dora = write_adapter(base.parent / "dora-alone", base, 5, use_dora=True)
    with pytest.raises(ExportError, match="cannot be mixed in one batch"):
        causal_model(LanguageEnsemble.from_adapters(base, {"dora": dora}))
