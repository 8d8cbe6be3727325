"""Bases unlike a Llama in float32: trained, served and merged as any other."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs
from tests.export.language.pools import experiment, trained, write_instructions
from tests.language.models import tiny_base, tiny_tokenizer

import lrensemble
from lrensemble.config import Recipe, to_record
from lrensemble.errors import SpecError
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.language.dataset import SequenceDataset
from lrensemble.pool import Pool
from lrensemble.train.run.reading import read_of_recipe

transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

VOCABULARY = len(tiny_tokenizer()) + 3
IDS = [1, 20, 21, 30, 8]


def gpt2() -> Any:
    """Its layers are `Conv1D`, whose weights lie as [input, output]."""
    config = transformers.GPT2Config(
        n_embd=16, n_layer=2, n_head=2, n_positions=64, vocab_size=VOCABULARY, initializer_range=0.3,
        bos_token_id=1, eos_token_id=2, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config)


def opt() -> Any:
    """Some of its layers are given the tokens of all rows as one list, which no adapter of a row can be told in."""
    config = transformers.OPTConfig(
        hidden_size=16, ffn_dim=16, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=64,
        vocab_size=VOCABULARY, word_embed_proj_dim=16, init_std=0.3, dropout=0.0,
    )  # fmt: skip
    return transformers.OPTForCausalLM(config)


def pool_on(folder: Path, base: Path, **model: Any) -> Pool:
    settings = {"name": "lora", "base": str(base), "rank": 2, **model}
    made_of = experiment(base, write_instructions(folder / "data"), model=settings)
    return trained(folder / "pool", made_of, ("all",), judge=False)


def exported(pool: Pool, folder: Path, form: str) -> Path:
    return lrensemble.export(str(pool.folder), folder / form, method="all", format=form).path


@pytest.mark.parametrize("make", [gpt2, pytest.param(opt, marks=pytest.mark.long)])
def test_training_serving_and_merging_agree(make: Callable[[], Any], tmp_path: Path) -> None:
    """What peft makes of the written files, model by model, is what is served and merged."""
    base = tmp_path / "base"
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        make().save_pretrained(base)
    tiny_tokenizer().save_pretrained(base)
    pool = pool_on(tmp_path, base)
    folder = exported(pool, tmp_path, "bundle")
    team = LanguageEnsemble.load(folder)
    alone: list[Any] = peft_models(base, sorted((folder / "adapters").iterdir()))
    prompt = team.prompts.tokens("the cat", raw=True)
    for token in team.generate("the cat", Decoding(max_tokens=6), raw=True).tokens:
        assert int(slow_log_probs(alone, prompt)[:, -1].exp().mean(dim=0).argmax()) == token
        prompt.append(token)
    (one,) = peft_models(base, [exported(pool, tmp_path, "adapter")])
    whole = transformers.AutoModelForCausalLM.from_pretrained(exported(pool, tmp_path, "merged")).eval()
    said = slow_log_probs([one, whole], IDS)
    assert torch.allclose(said[0], said[1], atol=1e-5)
    assert not torch.allclose(said[0], slow_log_probs([alone[0]], IDS)[0], atol=1e-3)


def test_members_speak_in_the_type_that_they_were_trained_on(tmp_path: Path) -> None:
    pool = pool_on(tmp_path, tiny_base(tmp_path / "base"), dtype="bfloat16")
    team = LanguageEnsemble.load(exported(pool, tmp_path, "bundle"))
    assert team.model.get_input_embeddings().weight.dtype == torch.bfloat16
    recipe = to_record(Recipe, pool.members()[0].recipe or {}, "member")
    data = read_of_recipe(recipe, tmp_path / "data")
    assert isinstance(data, SequenceDataset)
    found = team.score(data.sequences["val"]).members[:, data.sequences["val"].answer]
    known = np.stack([next(each for each in pool.members() if each.name == name).predictions("val").main
                      for name in team.description.names])  # fmt: skip
    assert found == pytest.approx(known, abs=0.1)  # up to rounding
    whole = transformers.AutoModelForCausalLM.from_pretrained(exported(pool, tmp_path, "merged"))
    assert whole.dtype == torch.bfloat16
    assert LanguageEnsemble.load(tmp_path / "bundle", dtype=torch.float32).model.dtype == torch.float32


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_a_base_that_was_moved_is_named_once(form: str, tmp_path: Path) -> None:
    """For all that an export does: to write one model, and to score it on the texts in the tokens of the base."""
    pool = pool_on(tmp_path, tiny_base(tmp_path / "base"))
    now = shutil.move(tmp_path / "base", tmp_path / "another place")
    given: dict[str, Any] = {"method": "all", "format": form, "data": str(tmp_path / "data")}
    made = lrensemble.export(str(pool.folder), tmp_path / form, base=str(now), **given)
    assert made.figures["val_nll"]["nll"] > 0
    with pytest.raises(SpecError, match=r"the base of this team lay at .*base, and is not there now; .* --base FOLDER"):
        lrensemble.export(str(pool.folder), tmp_path / "none", **given)
    assert not (tmp_path / "none").exists()
