"""Teams of pools of adapters become folders, adapters and models, with the numbers of the pool, or are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs
from tests.export.language.pools import experiment, trained, write_instructions
from tests.language.models import BEGIN, tiny_base, tiny_tokenizer

import lrensemble
from lrensemble.config import SplitSettings
from lrensemble.errors import DataError, ExportError
from lrensemble.evaluate.spoken import sequence_nll
from lrensemble.export import chosen_team
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.export.language.prompting import Prompts
from lrensemble.export.origin import digest_of
from lrensemble.language.examples import Example, Turn
from lrensemble.language.source import TEXTS
from lrensemble.language.templates import TEMPLATES
from lrensemble.pool import Pool
from lrensemble.spec import Spec, to_spec

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


def test_a_team_says_of_held_out_tokens_what_was_scored(pool: Pool, exported: Path) -> None:
    """Read again from the texts: the mean of token probabilities, token by token, is that of the pool."""
    team = chosen_team(pool, "greedy")
    loaded = LanguageEnsemble.load(exported)
    assert loaded.description.consensus == "token_probabilities"
    assert loaded.weights.tolist() == pytest.approx(list(team.weights))
    recipe = pool.members()[0].recipe
    assert recipe is not None
    assert pool.task.base is not None
    data = TEXTS.call(to_spec(recipe["data"]), exported.parent / "data", pool.task.base, SplitSettings())
    for split in ("val", "test"):
        sequences = data.sequences[split]
        found = loaded.score(sequences).log_probs[sequences.answer]
        own = np.stack([np.exp(np.asarray(pool[name].predictions(split).main, dtype=float)) for name in team.team])
        assert found == pytest.approx(np.log(np.array(team.weights) @ own), abs=1e-5)


def test_peft_reads_what_is_exported(pool: Pool, exported: Path) -> None:
    team = chosen_team(pool, "greedy")
    folders = sorted((exported / "adapters").iterdir())
    assert len(folders) == len(team.team)
    base = exported.parent / "base"
    ids = [BEGIN, 20, 21, 22]
    written, own = (
        slow_log_probs(peft_models(base, given), ids) for given in (folders, [pool[id_].folder for id_ in team.team])
    )
    assert torch.equal(written, own)


def test_the_folder_says_where_it_comes_from(pool: Pool, exported: Path) -> None:
    described = LanguageEnsemble.load(exported).description
    assert described.origin is not None
    assert described.origin.digest == digest_of(pool)
    assert described.origin.best_single == min(pool.members(), key=lambda member: member.scores["val"]["nll"]).name
    result = json.loads((pool.folder / "result.json").read_text())
    judged = described.origin.judgement
    assert judged is not None
    assert judged.test.nll == result["teams"]["greedy"]["test"]["nll"]
    assert judged.gain["nll"].low == result["teams"]["greedy"]["gain"]["nll"]["low"]
    assert judged.verdict == result["verdict"]["text"]
    assert str(described.template) == "alpaca(preamble=False)"


def test_the_result_says_how_the_team_spoke(pool: Pool) -> None:
    """By hand: the mixture of whole answers, against the note."""
    team = chosen_team(pool, "greedy")
    groups = np.asarray(pool.groups("test"))
    total = 0.0
    for group in set(groups.tolist()):
        likelihoods = [
            np.exp(np.asarray(pool[name].predictions("test").main, dtype=float)[groups == group].sum())
            for name in team.team
        ]
        total -= np.log(sum(weight * each for weight, each in zip(team.weights, likelihoods, strict=True)))
    assert sequence_nll(pool, team, "test") == pytest.approx(total / len(groups), rel=1e-9)
    notes = json.loads((pool.folder / "result.json").read_text())["notes"]
    said = f"as sequence_likelihoods, the mixture of sequence likelihoods, its test NLL is {total / len(groups):.4f}"
    assert any("greedy was scored as token_probabilities" in note and said in note for note in notes)


def test_a_prompt_is_written_as_in_training(exported: Path) -> None:
    team = LanguageEnsemble.load(exported)
    text = "### Instruction:\nold cat\n\n### Response:"
    assert team.prompts.pieces("old cat") == (text,)
    ten = Decoding(max_tokens=10)
    assert (
        team.generate("old cat", ten) == team.generate(text, ten, raw=True) != team.generate("old cat", ten, raw=True)
    )
    assert "".join(team.stream("old cat", ten)) == team.generate("old cat", ten).text
    more = "### Instruction:\nold cat\n\n### Input:\nred\n\n### Response:"
    assert team.prompts.pieces("old cat", input="red") == (more,)
    with pytest.raises(ExportError, match="an input is given, and the prompt is left as it is"):
        team.generate("old cat", input="red", raw=True)
    with pytest.raises(ExportError, match="the prompt is empty"):
        team.generate("  ")
    with pytest.raises(ExportError, match="too long for a model that looks at 128; shorten it"):
        team.generate("cat " * 100)


def test_a_chat_template_writes_its_own_beginning() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ '#' + m['content'] + '!' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '?' }}{% endif %}"
    )
    with pytest.raises(DataError, match="no fixed place"):
        Prompts(tokenizer, Spec("chat")).tokens("cat")
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}{{ '#' + m['content'] + '?' }}"
        "{% else %}{{ m['content'] + '!' }}{% endif %}{% endfor %}"
    )
    prompts = Prompts(tokenizer, Spec("chat"))
    written = TEMPLATES.call("chat", Example((Turn("user", "cat"), Turn("assistant", "dog"))), tokenizer)
    assert prompts.pieces("cat") == ("#cat?",) == tuple(piece.text for piece in written if not piece.learnt)
    assert prompts.tokens("cat") == tokenizer("#cat?", add_special_tokens=False)["input_ids"]
    assert prompts.tokens("cat", raw=True)[0] == BEGIN


def test_one_adapter_is_the_mean_of_the_updates(pool: Pool, place: Path) -> None:
    """By `peft`: the update that it adds is the weighted mean of what the members add."""
    team = chosen_team(pool, "greedy")
    made = lrensemble.export(pool, place / "one", format="adapter", method="greedy")
    assert made.figures == {"combination": "cat", "rank": 2 * len(team.team), "loss": 0.0}
    base = place / "base"
    merged, *members = peft_models(base, [made.path, *(pool[name].folder for name in team.team)])
    layers = [name for name, part in merged.named_modules() if hasattr(part, "get_delta_weight")]
    assert layers
    for name in layers:
        own = [model.get_submodule(name).get_delta_weight("default").double() for model in members]
        wanted = sum(weight * each for weight, each in zip(team.weights, own, strict=True))
        found = merged.get_submodule(name).get_delta_weight("default").double()
        assert torch.allclose(found, torch.as_tensor(wanted), atol=1e-6)
    lower = lrensemble.export(pool, place / "lower", format='adapter(combination="svd", rank=1)', method="greedy")
    assert lower.figures["rank"] == 1
    assert 0 < float(lower.figures["loss"]) < 1
    about = json.loads((place / "lower" / "lrensemble.json").read_text())
    assert about["loss"] == lower.figures["loss"]
    assert about["mean_of"]["names"] == [pool[name].name for name in team.team]
    with pytest.raises(ExportError, match="'linear' averages A and B separately"):
        lrensemble.export(pool, place / "linear", format='adapter(combination="linear")', method="greedy")


def test_the_merged_model_says_what_the_adapter_says(pool: Pool, place: Path) -> None:
    transformers = pytest.importorskip("transformers")
    one = lrensemble.export(pool, place / "one-more", format="adapter", method="greedy").path
    whole = lrensemble.export(pool, place / "whole", format="merged", method="greedy").path
    model = transformers.AutoModelForCausalLM.from_pretrained(whole).eval()
    ids = [BEGIN, 20, 21, 22, 23]
    assert torch.allclose(
        slow_log_probs([model], ids), slow_log_probs(peft_models(place / "base", [one]), ids), atol=1e-5
    )
    assert LanguageEnsemble.from_adapters(place / "base", {"one": one}).generate("old", Decoding(max_tokens=3)).tokens


def test_one_model_is_scored_anew_where_the_texts_are_given(pool: Pool, place: Path) -> None:
    """By hand for the team; the merged model, which is the adapter, has its loss and not the team's."""
    team = chosen_team(pool, "greedy")
    made = [
        lrensemble.export(pool, place / f"scored-{name}", format=name, method="greedy", data=place / "data").figures
        for name in ("adapter", "merged")
    ]
    own = [np.exp(np.asarray(pool[name].predictions("val").main, dtype=float)) for name in team.team]
    for figures in made:
        assert figures["val_nll"]["team_nll"] == pytest.approx(-np.log(np.array(team.weights) @ np.stack(own)).mean())
        assert figures["val_nll"]["nll"] == pytest.approx(made[0]["val_nll"]["nll"], abs=1e-4)
        assert figures["val_nll"]["best_single_nll"] == pytest.approx(
            min(member.scores["val"]["nll"] for member in pool.members()), abs=1e-5
        )
    assert abs(made[0]["val_nll"]["nll"] - made[0]["val_nll"]["team_nll"]) > 1e-4


def test_whole_models_become_their_mean_and_nothing_else(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    made = experiment(
        tiny_base(tmp_path / "base"),
        write_instructions(tmp_path / "data"),
        model={"name": "causal-lm", "base": str(tmp_path / "base")},
        policy=["constant(peak=0.003)", "constant(peak=0.01)"],
    )
    pool = trained(tmp_path / "pool", made, ("all",), judge=False)
    with pytest.raises(ExportError, match=r"format 'bundle' .* this team is of whole language models, .*; give merged"):
        lrensemble.export(pool, tmp_path / "team", method="all")
    path = lrensemble.export(pool, tmp_path / "mean", format="merged", method="all").path
    found = transformers.AutoModelForCausalLM.from_pretrained(path).state_dict()
    own = [member.weights() for member in pool.members()]
    for name in own[0]:
        assert torch.allclose(found[name], (own[0][name] + own[1][name]) / 2, atol=1e-6)
