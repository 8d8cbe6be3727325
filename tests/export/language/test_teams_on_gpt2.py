"""A base whose layers are `Conv1D`, weights [input, output]: trained, served and merged as any other."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs
from tests.export.language.pools import experiment, trained, write_instructions
from tests.language.models import tiny_tokenizer

import lrensemble
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.pool import Pool

transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

IDS = [1, 20, 21, 30, 8]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpt2") / "base"
    tokenizer = tiny_tokenizer()
    config = transformers.GPT2Config(
        n_embd=16, n_layer=2, n_head=2, n_positions=64, vocab_size=len(tokenizer) + 3, bos_token_id=1, eos_token_id=2,
        initializer_range=0.3, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pool(base: Path) -> Pool:
    return trained(base.parent / "pool", experiment(base, write_instructions(base.parent / "data")), ("all",), False)


def test_training_serving_and_merging_agree(base: Path, pool: Pool, tmp_path: Path) -> None:
    """What peft makes of the written files, model by model, is what is served and merged."""
    folder = lrensemble.export(str(pool.folder), tmp_path / "team", method="all").path
    team = LanguageEnsemble.load(folder)
    alone: list[Any] = peft_models(base, sorted((folder / "adapters").iterdir()))
    ids, written = list(IDS), team.generate("the cat", Decoding(max_tokens=6), raw=True)
    prompt = team.prompts.tokens("the cat", raw=True)
    for token in written.tokens:
        mean = slow_log_probs(alone, prompt)[:, -1].exp().mean(dim=0)
        assert int(mean.argmax()) == token
        prompt.append(token)
    for form in ("adapter", "merged"):
        lrensemble.export(str(pool.folder), tmp_path / form, method="all", format=form)
    (one,) = peft_models(base, [tmp_path / "adapter"])
    whole = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    said = slow_log_probs([one, whole], ids)
    assert torch.allclose(said[0], said[1], atol=1e-5)
    assert not torch.allclose(said[0], slow_log_probs([alone[0]], ids)[0], atol=1e-3)
