"""Teams of pools of adapters become folders, adapters and models, with the numbers of the pool, or are refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.export.language.adapters import peft_models, slow_log_probs
from tests.export.language.pools import experiment, trained, write_instructions
from tests.language.models import BEGIN, tiny_base, tiny_tokenizer
from tests.language.toy_texts import toy_sequences

import lrensemble
from lrensemble.config import SplitSettings
from lrensemble.errors import ConfigError, DataError, ExportError, SpecError
from lrensemble.evaluate import choose, save
from lrensemble.evaluate.spoken import sequence_nll
from lrensemble.export import chosen_team
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.export.language.answers import answer_files
from lrensemble.export.language.origin import digest_of
from lrensemble.export.language.prompting import Prompts
from lrensemble.export.language.team import AdapterTeam, language_team_of
from lrensemble.language.examples import Example, Turn
from lrensemble.language.source import TEXTS
from lrensemble.language.templates import TEMPLATES
from lrensemble.pool import Pool
from lrensemble.spec import Spec, to_spec

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("adapters of a pool")


@pytest.fixture(scope="module")
def pool(place: Path) -> Pool:
    base = tiny_base(place / "base")
    return trained(place / "pool", experiment(base, write_instructions(place / "data")))


@pytest.fixture(scope="module")
def exported(pool: Pool, place: Path) -> Path:
    return lrensemble.export(str(pool.folder), place / "team", method="greedy").path


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


def test_members_without_weight_are_left_out(pool: Pool) -> None:
    team = choose(pool, "all")
    zero = team.model_copy(update={"weights": (0.5, 0.0, 0.5)})
    found = language_team_of(pool, zero)
    assert isinstance(found, AdapterTeam)
    assert found.description.names == tuple(pool[name].name for name in (team.team[0], team.team[2]))
    assert found.description.weights == (0.5, 0.5)


def test_a_team_of_one_is_its_member(pool: Pool, place: Path) -> None:
    save(pool, choose(pool, "best"))
    made = lrensemble.export(pool, place / "single", method="best")
    loaded = LanguageEnsemble.load(made)
    assert loaded.description.names == (min(pool.members(), key=lambda each: each.scores["val"]["nll"]).name,)
    assert loaded.generate("old cat", Decoding(max_tokens=4)).tokens


def test_a_base_that_moved_is_named_and_checked(exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported.parent / "base", tmp_path / "moved")
    ten = Decoding(max_tokens=10)
    stays, moved = LanguageEnsemble.load(exported), LanguageEnsemble.load(exported, base=tmp_path / "moved")
    assert moved.generate("old cat", ten) == stays.generate("old cat", ten)
    other = tiny_base(tmp_path / "other", seed=5)
    with pytest.raises(SpecError, match=r"holds other weights .* give the very base"):
        LanguageEnsemble.load(exported, base=other)
    with pytest.raises(SpecError, match="than the base that the members were trained on"):
        lrensemble.export(exported.parent / "pool", tmp_path / "team", base=other)


def test_a_base_that_has_gone_is_said(place: Path, exported: Path, tmp_path: Path) -> None:
    """Also where something else lies there now: the team goes by the hash of its base."""
    shutil.move(place / "base", tmp_path / "base")
    try:
        with pytest.raises(SpecError, match=r"is not there now; say where it lies, --base FOLDER"):
            LanguageEnsemble.load(exported)
        tiny_base(place / "base", seed=6)
        assert LanguageEnsemble.load(exported, base=str(tmp_path / "base")).generate("old", Decoding(max_tokens=2))
    finally:
        shutil.rmtree(place / "base")
        shutil.move(tmp_path / "base", place / "base")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "onnx"}, "format 'onnx' is for networks that take arrays, and this team is of adapters"),
        ({"variant": "greedy-soup"}, "variant 'greedy-soup' is for networks that take arrays"),
        ({"consensus": "vote"}, "no consensus of language models named 'vote'; give one of answer_probabilities"),
    ],
)
def test_what_makes_no_sense_is_one_line(pool: Pool, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ExportError, match=message) as caught:
        lrensemble.export(pool, tmp_path / "out", method="greedy", **options)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_another_consensus_can_be_served(pool: Pool, tmp_path: Path) -> None:
    made = lrensemble.export(pool, tmp_path / "out", method="greedy", consensus="sequence_likelihoods")
    loaded = LanguageEnsemble.load(made)
    assert loaded.description.consensus == "sequence_likelihoods"
    sequences = toy_sequences(4, 2)
    assert np.isfinite(loaded.score(sequences).log_probs).all()


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


def test_questions_are_answered_by_arrays_for_nobody(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(json.dumps({"question": "old", "choices": ["cat", "dog"]}) + "\n")
    found = lrensemble.predict(str(exported), tmp_path / "q.jsonl", tmp_path / "answers.csv")
    assert found.labels == [("A", "B")[int(found.said[0].argmax())]]
    assert (tmp_path / "answers.csv").read_text().startswith("file,row,label,p:A,p:B,answer\n")
    with pytest.raises(DataError, match=r"answers questions; give a \.jsonl file"):
        lrensemble.predict(str(exported), np.zeros((2, 3)))
    team = LanguageEnsemble.load(exported)
    with pytest.raises(ConfigError, match="normalisation 'words' is refused"):
        answer_files(team, [tmp_path / "q.jsonl"], normalisation="words")  # type: ignore[arg-type]
