"""Members whose thin matrices are stacked, against each member alone through peft."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs, write_adapter
from tests.language.models import BEGIN, tiny_model
from torch import Tensor, nn

from lrensemble.errors import ExportError
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.export.language.causal import causal_model
from lrensemble.export.language.members import Batching, Cache, Members, fastest_batching

peft: Any = pytest.importorskip("peft")

# Ranks, scales and layers of their own; a layer that one member changes, and one whose rank a pattern gives.
UNLIKE: dict[str, dict[str, Any]] = {
    "wide": {"r": 5, "lora_alpha": 3, "target_modules": ["q_proj", "down_proj"], "rank_pattern": {"q_proj": 2}},
    "root": {"r": 3, "lora_alpha": 7, "target_modules": ["v_proj", "q_proj"], "use_rslora": True},
    "one": {"r": 1, "lora_alpha": 4, "target_modules": ["lm_head"], "alpha_pattern": {"lm_head": 9}},
}
WEIGHTS = (0.5, 0.2, 0.3)


@pytest.fixture(scope="module")
def unlike(base: Path) -> dict[str, Path]:
    return {
        name: write_adapter(base.parent / f"unlike {name}", base, 20 + place, **options)
        for place, (name, options) in enumerate(UNLIKE.items())
    }


@pytest.fixture(scope="module")
def exact(base: Path, unlike: dict[str, Path]) -> LanguageEnsemble:
    return LanguageEnsemble.from_adapters(base, unlike, WEIGHTS, dtype=torch.float64)


def tokens(rows: int, length: int) -> Tensor:
    return torch.randint(4, 60, (rows, length), generator=torch.Generator().manual_seed(0))


def slow(base: Path, folders: Sequence[Path], ids: Tensor) -> Tensor:
    """[member, row, position, token] float64, each member and row for itself."""
    models = [model.double() for model in peft_models(base, folders)]
    return torch.stack([slow_log_probs(models, row) for row in ids.tolist()], dim=1)


def test_each_member_is_what_it_is_alone_through_peft(
    base: Path, unlike: dict[str, Path], exact: LanguageEnsemble
) -> None:
    ids = tokens(2, 11)
    found, wanted = exact.members.log_probs(ids, torch.ones_like(ids)), slow(base, list(unlike.values()), ids)
    assert exact.members.batching == "stacked"
    assert found.shape == (3, 2, 11, exact.model.config.vocab_size)
    assert (found - wanted).abs().max() < 1e-10
    assert min(float((wanted[a] - wanted[b]).abs().max()) for a, b in ((0, 1), (1, 2), (0, 2))) > 0.1


def test_in_float32_it_is_the_same_up_to_rounding(base: Path, unlike: dict[str, Path]) -> None:
    ids = tokens(2, 11)
    ensemble = LanguageEnsemble.from_adapters(base, unlike)
    found = ensemble.members.log_probs(ids, torch.ones_like(ids))
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), slow(base, list(unlike.values()), ids), atol=1e-5, rtol=1e-5)


def test_a_base_of_16_bits_is_near(base: Path, unlike: dict[str, Path]) -> None:
    ids = tokens(2, 11)
    ensemble = LanguageEnsemble.from_adapters(base, unlike, dtype=torch.bfloat16)
    ways = [Members(ensemble.model, ensemble.members.keys, None, way) for way in ("stacked", "mixed batch")]
    one, other = (members.log_probs(ids, torch.ones_like(ids)) for members in ways)
    assert (one - other).abs().mean() < 0.03, "of log-probabilities down to -18, in numbers of 8 bits"


def test_a_step_over_the_cache_is_the_whole_text_and_padding_is_not_looked_at(
    base: Path, unlike: dict[str, Path], exact: LanguageEnsemble
) -> None:
    ids = tokens(2, 9)
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    cache = Cache()
    exact.members.log_probs(ids[:, :8], mask[:, :8], cache=cache)
    found = exact.members.log_probs(ids[:, 8:], mask, cache=cache, keep=torch.tensor([0]))[:, :, 0]
    folders = list(unlike.values())
    assert (found[:, 1] - slow(base, folders, ids[1:])[:, 0, -1]).abs().max() < 1e-10
    assert (found[:, 0] - slow(base, folders, ids[:1, 3:])[:, 0, -1]).abs().max() < 1e-10


@pytest.mark.parametrize("consensus", ["token_probabilities", "token_logits", "sequence_likelihoods"])
def test_a_team_of_unlike_members_writes_what_a_loop_writes(
    base: Path, unlike: dict[str, Path], consensus: str
) -> None:
    ensemble = LanguageEnsemble.from_adapters(base, unlike, WEIGHTS, consensus=consensus)
    ways = (Decoding(max_tokens=9), Decoding(max_tokens=9, temperature=0.9, top_p=0.9, seed=4))
    prompts = ("the cat sat", "name three animals.")
    found = [ensemble.generate_all(prompts, way) for way in ways]
    ensemble.members = Members(ensemble.model, ensemble.members.keys, ensemble.context, "loop")
    assert found == [ensemble.generate_all(prompts, way) for way in ways]
    assert "".join(ensemble.stream(prompts[0], ways[0])) == found[0][0].text


def test_one_member_of_a_team_is_itself_in_the_memory_of_the_team(exact: LanguageEnsemble) -> None:
    ids = tokens(2, 7)
    whole = exact.members.log_probs(ids, torch.ones_like(ids))
    for place, name in enumerate(UNLIKE):
        own = exact.alone(name)
        assert (own.members.log_probs(ids, torch.ones_like(ids))[0] - whole[place]).abs().max() < 1e-10
        assert own.members.batching == "stacked"
        assert memory(own) == memory(exact)
        assert own.alone(name).log_likelihoods([("a", " b")]) == own.log_likelihoods([("a", " b")])


def memory(ensemble: LanguageEnsemble) -> set[int]:
    """Pieces of memory with weights, of `peft`'s network and of the one that answers."""
    stack = ensemble.members.stack
    assert stack is not None
    products = [each for name, each in stack.named_buffers() if name.rpartition(".")[2] in ("down", "up")]
    weights = [*ensemble.model.parameters(), *stack.parameters(), *products]
    return {each.untyped_storage().data_ptr() for each in weights}


def test_weights_are_held_once_and_the_network_of_peft_stays_as_it_is(base: Path, unlike: dict[str, Path]) -> None:
    ensemble = LanguageEnsemble.from_adapters(base, unlike)
    own = sum(each.numel() for each in tiny_model().parameters())
    layers = [part for part in ensemble.model.modules() if hasattr(part, "lora_A")]
    assert layers, "the layers of peft are where they were"
    stack = ensemble.members.stack
    assert stack is not None
    assert not any(hasattr(part, "lora_A") for part in stack.modules())
    assert sum(each.numel() for each in stack.parameters()) == own
    assert len(memory(ensemble)) == len(list(stack.parameters())) + 2 * len(layers)
    ids = tokens(1, 5)
    ways: tuple[Batching, ...] = ("stacked", "loop", "mixed batch", "stacked", "loop")
    for way in ways:
        again = Members(ensemble.model, ensemble.members.keys, None, way).log_probs(ids, torch.ones_like(ids))
        found = ensemble.members.log_probs(ids, torch.ones_like(ids))
        assert torch.allclose(found, again, atol=1e-5)


def test_two_scales_by_hand() -> None:
    """One layer, one number: w x + s B A x."""
    from lrensemble.language.lora_layers import add_products

    said, given = torch.tensor([[[10.0]], [[20.0]]]), torch.tensor([[[2.0]], [[3.0]]])
    down, up = torch.tensor([[[5.0]], [[7.0]]]), torch.tensor([[[1.0]], [[-1.0]]])
    scales = torch.tensor([0.5, 2.0])
    assert add_products(said, given, down, up, scales).flatten().tolist() == [10 + 5, 20 - 42]
    assert add_products(said, given, down, up, 0.5).flatten().tolist() == [10 + 5, 20 - 10.5]


@pytest.mark.parametrize("kind", ["gpt2", "opt"])
def test_other_architectures(kind: str) -> None:
    """Weights the other way round, and a base that lays rows and positions in one."""
    members = [Members(two_adapters(kind), ("first", "second"), None, way) for way in ("stacked", "loop")]
    ids = tokens(3, 5)
    one, other = (each.log_probs(ids, torch.ones_like(ids)) for each in members)
    assert (one - other).abs().max() < 1e-10
    assert (one[0] - one[1]).abs().max() > 1e-3


def two_adapters(kind: str) -> Any:
    transformers: Any = pytest.importorskip("transformers")
    torch.manual_seed(0)
    if kind == "gpt2":
        size = {"n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16}
        base = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=60, **size))
        options: dict[str, Any] = {"target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}
    else:
        wide = {"hidden_size": 8, "ffn_dim": 12, "word_embed_proj_dim": 8, "max_position_embeddings": 16}
        config = transformers.OPTConfig(vocab_size=60, num_hidden_layers=2, num_attention_heads=2, **wide)
        base, options = transformers.OPTForCausalLM(config), {"target_modules": ["fc1", "fc2", "q_proj"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = peft.get_peft_model(base.double(), peft.LoraConfig(r=3, **options), "first")
        found.add_adapter("second", peft.LoraConfig(r=2, lora_alpha=3, **options))
    for name, parameter in found.named_parameters():
        if "lora_" in name:
            parameter.data = torch.randn(parameter.shape, dtype=torch.float64)
    return found.requires_grad_(False).eval()


class Routed(nn.Module):
    """A base whose layer is one of several, each for some of the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(4, 4)])
        self.first = nn.Linear(4, 4)


@pytest.mark.parametrize(("layer", "way"), [("experts.0", "loop"), ("first", "stacked")])
def test_layers_that_are_given_some_of_the_rows_are_not_stacked(layer: str, way: str) -> None:
    model = peft.get_peft_model(Routed(), peft.LoraConfig(target_modules=[layer]), "first")
    assert fastest_batching(model, ["first"]) == way


def test_embeddings_go_through_the_layers_of_peft(base: Path, unlike: dict[str, Path]) -> None:
    words = write_adapter(base.parent / "words", base, 30, target_modules=["embed_tokens", "q_proj"])
    ensemble = LanguageEnsemble.from_adapters(base, {"words": words, "wide": unlike["wide"]}, dtype=torch.float64)
    ids = tokens(1, 6)
    assert ensemble.members.batching == "mixed batch"
    assert ensemble.alone("words").members.batching == "mixed batch"
    found = ensemble.members.log_probs(ids, torch.ones_like(ids))
    assert (found - slow(base, [words, unlike["wide"]], ids)).abs().max() < 1e-10


def test_rows_that_nobody_can_tell_are_refused(exact: LanguageEnsemble) -> None:
    stack, ids = exact.members.stack, tokens(2, 7)
    assert stack is not None
    exact.members.log_probs(ids, torch.ones_like(ids))
    layer = stack.base.get_submodule("model.layers.0.self_attn.q_proj")
    with pytest.raises(ExportError, match=r"a layer of this base is given .*, not the 6 rows of all members"):
        layer(torch.zeros(5, exact.model.config.hidden_size, dtype=torch.float64))


def test_a_team_as_a_model_of_transformers_has_no_peft_in_it(exact: LanguageEnsemble) -> None:
    model = causal_model(exact)
    ids = [BEGIN, *exact.tokenizer("the cat sat")["input_ids"]]
    found = model.generate(input_ids=torch.tensor([ids]), max_new_tokens=6, do_sample=False)[0, len(ids) :].tolist()
    wanted = exact.generate("the cat sat", Decoding(max_tokens=6)).tokens
    assert tuple(found[: len(wanted)]) == wanted
    assert not any(hasattr(part, "lora_A") for part in model.modules())
