"""Teams and members in lm-evaluation-harness: a tiny task of a local file, equal to what we count ourselves."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.language.adapters import slow_log_probs
from tests.export.language.conftest import WEIGHTS, Team
from tests.language.models import BEGIN

from lrensemble.errors import ExportError
from lrensemble.export.language import LanguageEnsemble

pytest.importorskip("lm_eval")
from lrensemble.export.language import harness

pytestmark = pytest.mark.filterwarnings("ignore")  # of the harness and what it imports

WORDS = ["one", "two", "ten", "red", "old", "new", "far", "cat", "dog", "sun", "rain", "stone", "river", "he", "she"]
TASK = """task: tiny_local
dataset_path: json
dataset_kwargs:
  data_files:
    test: FILE
output_type: multiple_choice
test_split: test
doc_to_text: "question: {{question}}\\nanswer:"
doc_to_target: answer
doc_to_choice: choices
metric_list:
  - metric: acc
"""


def questions(count: int) -> list[dict[str, Any]]:
    generator = np.random.default_rng(0)
    drawn = [generator.choice(WORDS, 7, replace=False).tolist() for _ in range(count)]
    return [
        {"question": " ".join(words[:3]), "choices": words[3:], "answer": int(generator.integers(4))} for words in drawn
    ]


def accuracy_of(model: Any, folder: Path, asked: list[dict[str, Any]]) -> float:
    import lm_eval
    from lm_eval.tasks import TaskManager

    file = folder / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in asked))
    (folder / "tiny_local.yaml").write_text(TASK.replace("FILE", str(file)))
    found = lm_eval.simple_evaluate(
        model=model,
        tasks=["tiny_local"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
    )
    return float(found["results"]["tiny_local"]["acc,none"])


@pytest.mark.parametrize("consensus", ["answer_probabilities", "sequence_likelihoods"])
def test_accuracy_is_what_we_count_ourselves(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, consensus: str
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    ensemble, asked = team(consensus), questions(24)
    pairs = [(f"question: {each['question']}\nanswer:", f" {choice}") for each in asked for choice in each["choices"]]
    members = ensemble.member_log_likelihoods(pairs).reshape(3, -1, 4)
    truth = np.array([each["answer"] for each in asked])
    likelihoods = np.exp(members)
    said = likelihoods / likelihoods.sum(2, keepdims=True) if consensus == "answer_probabilities" else likelihoods
    wanted = float((np.einsum("mqc,m->qc", said, np.array(WEIGHTS)).argmax(1) == truth).mean())
    assert accuracy_of(harness.harness_model(ensemble), tmp_path, asked) == wanted
    alone = float((members[1].argmax(1) == truth).mean())
    assert accuracy_of(harness.harness_model(ensemble.alone("mid")), tmp_path, asked) == alone


def test_the_harness_finds_the_model_by_its_name(team: Team, tmp_path: Path) -> None:
    from lm_eval.api.registry import get_model

    team("token_probabilities").save(tmp_path / "team")
    harness.register()
    harness.register()
    model = get_model("lrensemble").create_from_arg_string(f"path={tmp_path / 'team'},member=high", {"batch_size": 4})
    assert model.ensemble.description.names == ("high",)
    assert model.rows == 4


def test_each_token_of_a_long_text_is_scored_once(team: Team, alone: list[Any]) -> None:
    ensemble = team("token_probabilities")
    text = "the cat sat on it. " * 20
    ids = [BEGIN, *ensemble.tokenizer(text)["input_ids"]]
    sequences = harness.rolling_sequences(ensemble, text)
    assert sequences.answer.sum() == len(ids) - 1 > 128
    assert sequences.lengths.max() == 129  # the last is never looked at
    scored = [int(token) for row, where in zip(sequences.ids, sequences.answer, strict=True) for token in row[where]]
    assert scored == ids[1:]
    short = harness.rolling_sequences(ensemble, "a b c")
    said = slow_log_probs(alone, short.ids[0].tolist()).exp()
    wanted = sum(
        math.log(sum(weight * float(own[place, token]) for weight, own in zip(WEIGHTS, said, strict=True)))
        for place, token in enumerate(short.ids[0, 1:].tolist())
    )
    assert float(ensemble.score(short).log_probs.sum()) == pytest.approx(wanted, abs=1e-5)


def test_texts_are_written_as_a_task_wants_them(team: Team) -> None:
    from lm_eval.api.instance import Instance

    options = {"until": ["\n", "</s>"], "max_gen_toks": 6, "do_sample": False, "temperature": 0.0}
    request = Instance(request_type="generate_until", doc={}, arguments=("the cat", options), idx=0)
    ensemble = team("token_probabilities")
    decoding = harness.decoding_of(options, "</s>")
    assert (decoding.stop, decoding.max_tokens, decoding.temperature) == (("\n",), 6, 0.0)
    found = harness.harness_model(ensemble).generate_until([request])
    assert found == [ensemble.generate("the cat", decoding).text]
    with pytest.raises(ExportError, match="wants beams"):
        harness.decoding_of({"num_beams": 4})


def test_a_team_is_asked_as_its_class_says(team: Team) -> None:
    assert isinstance(harness.harness_model(team("token_logits")).ensemble, LanguageEnsemble)
