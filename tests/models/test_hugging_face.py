"""`hf/TYPE`: classifiers of transformers by their settings, which have nothing fetched."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
import torch

from lrensemble.errors import LREnsembleError
from lrensemble.models import build, check
from lrensemble.models.hugging_face import config_of, own_settings
from lrensemble.models.room import require_room
from lrensemble.spec import Spec

transformers: Any = import_module("transformers")

BERT = {
    "vocab_size": 11,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 6,
    "max_position_embeddings": 7,
    "pad_token_id": 3,
}
VIT = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 6,
    "image_size": 8,
    "patch_size": 4,
}


def spec(kind: str, settings: dict[str, Any], **own: Any) -> Spec:
    return Spec(f"hf/{kind}", {"config": json.dumps(settings), **own})


def tokens() -> torch.Tensor:
    return torch.randint(0, 11, (4, 7), generator=torch.Generator().manual_seed(0)).float()


@pytest.mark.parametrize("sees_padding", [False, True])
def test_token_ids_go_in_as_transformers_takes_them(sees_padding: bool) -> None:
    network = build(spec("bert", BERT, mask=not sees_padding), (7,), 5, seed=0).eval()
    reference = transformers.BertForSequenceClassification(transformers.BertConfig(**BERT, num_labels=5)).eval()
    reference.load_state_dict({name.removeprefix("network."): each for name, each in network.state_dict().items()})
    ids = tokens().long()
    ids[1, 4:] = 3
    mask = torch.ones_like(ids) if sees_padding else (ids != 3).long()
    with torch.no_grad():
        expected = reference(input_ids=ids, attention_mask=mask).logits
        assert torch.equal(network(ids.float()), expected)
        other = reference(
            input_ids=ids, attention_mask=(ids != 3).long() if sees_padding else torch.ones_like(ids)
        ).logits
    assert not torch.allclose(other, expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_grey_ones_as_all_channels(channels: int) -> None:
    network: Any = build(spec("vit", VIT), (channels, 8, 8), 5, seed=0).eval()
    images = torch.rand(2, channels, 8, 8)
    with torch.no_grad():
        found = network(images)
        assert torch.equal(found, network.network(images.expand(-1, 3, -1, -1)).logits)
    assert found.shape == (2, 5)


def test_weights_are_a_function_of_the_seed() -> None:
    first, again, other = (build(spec("bert", BERT), (7,), 5, seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not all(torch.equal(first[key], other[key]) for key in first)


def test_settings_of_a_network_are_those_that_differ_and_those_of_its_class() -> None:
    config = transformers.BertConfig(
        **BERT, num_labels=5, architectures=["X"], auto_map={"AutoModel": "x--y"}, dtype="bfloat16"
    )
    assert own_settings(config) == BERT
    assert own_settings(transformers.ViTConfig()) == {}
    again = config_of("bert", {**BERT, "auto_map": {"AutoModel": "x--y"}, "transformers_weights": "../x"}, 5)
    assert not hasattr(again, "auto_map")
    assert not hasattr(again, "transformers_weights")
    assert (again.num_labels, again.vocab_size) == (5, 11)


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        ("hf/brt", (7,), r"no classifier of type 'brt'; did you mean 'hf/bert'\?"),
        ("hf/timm_wrapper", (3, 8, 8), "no classifier of type 'timm_wrapper'"),
        (spec("bert", BERT), (1, 8, 8), r"'hf/bert' takes token ids; an input here has shape \(1, 8, 8\)"),
        (spec("vit", VIT), (7,), r"'hf/vit' takes images \(channel, height, width\); an input here has shape \(7,\)"),
        (spec("vit", VIT), (3, 9, 8), r"'hf/vit' does not fit inputs of shape \(3, 9, 8\)"),
        (Spec("hf/bert", {"config": "["}), (7,), "config = is no text of a config.json"),
        (Spec("hf/bert", {"config": "[]"}), (7,), "config = is no text of a config.json: it is no table"),
        (spec("bert", {**BERT, "hidden_size": 9}), (7,), "cannot be built with these settings: ValueError: The hidden"),
        (spec("bert", {**BERT, "hidden_size": 10**9}), (7,), "training holds them 4 times"),
        (spec("bert", {"attn_implementation": "a/b"}), (7,), "config sets attn_implementation, which needs code or"),
        (spec("bert", {"a": {"quantization_config": {"b": 1}}}), (7,), "config sets quantization_config"),
        (spec("vit", {"backbone": "a/b"}), (3, 8, 8), "config sets backbone"),
        (spec("bert", BERT, size=3), (7,), "has no argument 'size'"),
    ],
)
def test_what_cannot_be_built_is_one_clear_line(model: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(LREnsembleError, match=message) as raised:
        build(model, shape, 5, seed=0)
    assert "\n" not in str(raised.value)


def test_a_spec_reads_back_from_its_text() -> None:
    given = spec("bert", BERT)
    assert check(str(given)) == given
    require_room("hf/bert", lambda: build(given, (7,), 5, seed=0))
