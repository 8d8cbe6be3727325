"""Edges of teams of a pool of adapters: bases that move, libraries and texts that are missing, what makes no sense."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.language.adapters import write_adapter
from tests.language.models import tiny_base
from tests.language.toy_texts import toy_sequences

import lrensemble
from lrensemble.errors import ConfigError, DataError, ExportError, MissingExtraError, SpecError, UntrustedError
from lrensemble.evaluate import choose, save
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.export.language.bundle import read_language_bundle, write_language_bundle
from lrensemble.export.language.harness import rolling_sequences
from lrensemble.export.language.pools.team import AdapterTeam, language_team_of
from lrensemble.export.language.questions.answers import answer_files
from lrensemble.pool import Pool
from lrensemble.spec import Spec

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")


def test_code_that_a_folder_names_is_not_imported(exported: Path, tmp_path: Path) -> None:
    described, adapters = read_language_bundle(exported)
    code = described.model_copy(update={"template": Spec("nobody.has_imported:this")})
    write_language_bundle(tmp_path / "team", code, adapters)
    with pytest.raises(UntrustedError, match=r"names nobody\.has_imported:this"):
        LanguageEnsemble.load(tmp_path / "team")


def test_a_tokenizer_without_padding_serves(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base", padding=False)
    members = {name: write_adapter(tmp_path / name, base, seed) for seed, name in enumerate("ab")}
    team = LanguageEnsemble.from_adapters(base, members, template="alpaca(preamble=false)")
    prompts, ten = ("old cat", "red"), Decoding(max_tokens=10)
    assert team.generate_all(prompts, ten) == [team.generate(prompt, ten) for prompt in prompts]


@pytest.mark.parametrize("library", ["peft", "transformers"])
def test_what_is_not_installed_is_one_line(exported: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)  # as Python has it where there is none
    with pytest.raises(MissingExtraError, match=r"pip install 'lrensemble\[llm\]'") as caught:
        LanguageEnsemble.load(exported)
    assert "\n" not in str(caught.value)


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


def test_another_consensus_can_be_served(pool: Pool, tmp_path: Path) -> None:
    made = lrensemble.export(pool, tmp_path / "out", method="greedy", consensus="sequence_likelihoods")
    loaded = LanguageEnsemble.load(made)
    assert loaded.description.consensus == "sequence_likelihoods"
    sequences = toy_sequences(4, 2)
    assert np.isfinite(loaded.score(sequences).log_probs).all()


def test_a_prompt_of_another_encoding_is_refused(exported: Path) -> None:
    team = LanguageEnsemble.load(exported)
    for prompt, more in (("caf\udce9", ""), ("old", "caf\udce9")):
        with pytest.raises(ExportError, match=r"holds '\\udce9' at place 3, which is no letter; give it in UTF-8"):
            team.generate(prompt, input=more)


def test_a_temperature_near_zero_takes_the_likeliest_token(exported: Path) -> None:
    team = LanguageEnsemble.load(exported)
    cold = [team.generate("old cat", Decoding(max_tokens=5, temperature=heat)).tokens for heat in (0, 1e-9, 1e-310)]
    assert cold[0] == cold[1] == cold[2]


def test_one_stop_text_may_be_given_as_it_is() -> None:
    assert Decoding(stop="ab").stop == ("ab",)  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="a stop text is empty"):
        Decoding(stop="")  # type: ignore[arg-type]


def test_a_text_alone_needs_a_token_to_begin_with(exported: Path) -> None:
    team = LanguageEnsemble.load(exported)
    team.tokenizer.bos_token = team.tokenizer.eos_token = None
    with pytest.raises(DataError, match="needs a token to begin with"):
        rolling_sequences(team, "old cat")
