"""Bases that are no causal language model, that have no layers to adapt, or that need what is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.language.models import tiny_base, tiny_tokenizer
from torch import nn

from lrensemble import models
from lrensemble.config import SplitSettings
from lrensemble.errors import DataError, LREnsembleError, MissingExtraError, SpecError
from lrensemble.language.adapters import _are_transposed, _layers, adapter_config, adapter_weights
from lrensemble.language.base import base_of, load_base, outline_of
from lrensemble.language.source import instructions

transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

SMALL: dict[str, Any] = {"vocab_size": 64, "d_model": 16, "decoder_start_token_id": 0}


def t5() -> Any:
    return transformers.T5ForConditionalGeneration(
        transformers.T5Config(**SMALL, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )


def bart() -> Any:
    return transformers.BartForConditionalGeneration(
        transformers.BartConfig(**SMALL, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16, decoder_ffn_dim=16)
    )


def bert() -> Any:
    """With the head of a language model and the attention of an encoder."""
    config = transformers.BertConfig(
        vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    return transformers.BertLMHeadModel(config)


def saved(make: Callable[[], Any], folder: Path) -> Path:
    make().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (t5, r"holds a T5ForConditionalGeneration, an encoder with a decoder, as BART and T5 are; give a causal"),
        (bart, r"holds a BartForConditionalGeneration, an encoder with a decoder"),
        (bert, r"its BertLMHeadModel sees the tokens that it is to predict, as an encoder does; give a causal lang"),
    ],
)
def test_what_is_not_causal_is_told_in_one_line(tmp_path: Path, make: Callable[[], Any], message: str) -> None:
    folder = saved(make, tmp_path / "a base")
    with pytest.raises(SpecError, match=message) as refused:
        load_base(base_of(folder))
    assert "\n" not in str(refused.value)


def gpt2() -> Any:
    """Its layers are `Conv1D`, whose weights lie as [input, output]."""
    settings = {"n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**settings))


def test_the_layers_of_gpt2_are_adapted(tmp_path: Path) -> None:
    folder = saved(gpt2, tmp_path / "gpt2")
    adapter = models.build({"name": "lora", "base": str(folder), "rank": 2}, (8,), 1, 0)
    config = adapter_config(adapter)
    assert (config["target_modules"], config["fan_in_fan_out"]) == (["c_attn", "c_fc", "c_proj"], True)
    shapes = {name.split(".")[-3]: tuple(each.shape) for name, each in adapter_weights(adapter).items() if "_B" in name}
    assert shapes == {"c_attn": (48, 2), "c_fc": (64, 2), "c_proj": (16, 2)}


def test_a_model_without_linear_layers_is_told() -> None:
    model = gpt2()
    model.transformer.h = nn.ModuleList()
    with pytest.raises(SpecError, match=r"a GPT2LMHeadModel has no linear layers .*, or train all of it, model = 'cau"):
        _layers(model, "all-linear")


def test_targets_that_lie_both_ways_are_refused() -> None:
    model = gpt2()
    model.transformer.h[0].mlp.c_fc = nn.Linear(16, 64)
    with pytest.raises(
        SpecError, match=r"the weights of .*c_\w+ lie as \[input, output\], those of .*c_fc do not; give"
    ):
        _are_transposed(model, ["c_attn", "c_fc"])
    assert _are_transposed(model, ["c_attn"])
    assert not _are_transposed(model, ["c_fc"])


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
@pytest.mark.parametrize("quantize", ["8bit", "4bit"])
def test_fewer_bits_need_their_library(tmp_path: Path, quantize: str) -> None:
    model = {"name": "lora", "base": str(tiny_base(tmp_path / "base")), "quantize": quantize}
    with pytest.raises(MissingExtraError, match=f"model.quantize = '{quantize}' needs bitsandbytes; pip install bits"):
        models.build(model, (8,), 1, 0)
    with pytest.raises(LREnsembleError, match="quantize"):
        models.check(model | {"quantize": "2bit"})


def test_an_outline_is_the_base_without_its_weights(tmp_path: Path) -> None:
    base = base_of(tiny_base(tmp_path / "base"))
    outline, loaded = outline_of(base), load_base(base)
    assert outline.context == loaded.context == 128
    assert all(each.device.type == "meta" for each in outline.model.parameters())
    shapes = [{name: each.shape for name, each in one.model.named_parameters()} for one in (outline, loaded)]
    assert shapes[0] == shapes[1]


def test_examples_longer_than_the_context_are_refused(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"instruction": "a", "output": "b"}\n' * 9)
    base = base_of(tiny_base(tmp_path / "base", context=32))
    with pytest.raises(DataError, match=r"data\.length = 33 is above the 32 tokens that .* can look at; make it small"):
        instructions(tmp_path, base, SplitSettings(), file="texts.jsonl", length=33)


@pytest.mark.parametrize("length", [2, 10, 16])
def test_short_sequences_have_room_for_an_answer(tmp_path: Path, length: int) -> None:
    (tmp_path / "texts.jsonl").write_text("".join(f'{{"instruction": "a{n}", "output": "b c"}}\n' for n in range(40)))
    found = instructions(
        tmp_path, base_of(tiny_base(tmp_path / "base")), SplitSettings(), file="texts.jsonl", length=length
    )
    assert found.sequences["train"].ids.shape[1] == length
    assert found.sequences["train"].answer.any(axis=1).all()
