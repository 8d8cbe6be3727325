"""The models that other tests are built upon are what they say."""

from pathlib import Path

import pytest
import torch
from tests.language.models import PAD, UNKNOWN, VOCABULARY, tiny_base, tiny_model, tiny_tokenizer

transformers = pytest.importorskip("transformers")


def test_tokens_depend_on_what_is_beside_them() -> None:
    tokenizer = tiny_tokenizer()
    assert len(tokenizer) == VOCABULARY == 64
    text = "the thing, and 12 others\n### end."
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert len(ids) < len(text)
    assert tokenizer("t")["input_ids"] + tokenizer("he")["input_ids"] != tokenizer("the")["input_ids"]
    assert tokenizer("É")["input_ids"] == [UNKNOWN]


def test_weights_follow_from_the_seed_alone() -> None:
    ids = torch.tensor([[5, 9, 33]])
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    with torch.no_grad():
        first, again, other = (tiny_model(seed)(ids).logits for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (1, 3, 64)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert tiny_model(dtype=torch.float64)(ids).logits.dtype == torch.float64


def test_a_folder_is_what_transformers_reads(tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "base", seed=1)
    model, ids = transformers.AutoModelForCausalLM.from_pretrained(folder), torch.tensor([[5, 9, 33]])
    assert torch.equal(model(ids).logits, tiny_model(1)(ids).logits)
    assert transformers.AutoTokenizer.from_pretrained(folder).pad_token_id == PAD
    bare = tiny_base(tmp_path / "bare", padding=False)
    assert transformers.AutoTokenizer.from_pretrained(bare).pad_token_id is None
