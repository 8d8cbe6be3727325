"""Teams and members in lm-evaluation-harness: a tiny task of a local file, equal to what we count ourselves."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.export.language.adapters import slow_log_probs
from tests.export.language.conftest import WEIGHTS, Team
from tests.export.language.local_tasks import questions, write_task
from tests.language.models import BEGIN

from lrensemble.errors import ConfigError, DataError, ExportError
from lrensemble.export.language import LanguageEnsemble
from lrensemble.export.language.questions.answers import answers_to
from lrensemble.language.benchmarks.base import Question
from lrensemble.language.choices import answer_scores, choice_scores

pytest.importorskip("lm_eval")
from lrensemble.export.language import harness
from lrensemble.export.language.questions.tasks import evaluate_tasks

pytestmark = pytest.mark.filterwarnings("ignore")  # of the harness and what it imports


def accuracy_of(model: Any, folder: Path, asked: list[dict[str, Any]]) -> float:
    import lm_eval
    from lm_eval.tasks import TaskManager

    write_task(folder, asked)
    found = lm_eval.simple_evaluate(
        model=model,
        tasks=["tiny_local"],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
    )
    return float(found["results"]["tiny_local"]["acc,none"])


@pytest.mark.parametrize(
    "consensus", [pytest.param("answer_probabilities", marks=pytest.mark.long), "sequence_likelihoods"]
)
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


@pytest.mark.parametrize("consensus", ["token_probabilities", "answer_probabilities"])
def test_team_and_members_score_what_they_score_with_us(
    team: Team, alone: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, consensus: str
) -> None:
    """Members by `choice_scores` of models of peft; `acc` and `acc_norm`."""
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    ensemble, asked = team(consensus), questions(30)
    context = [f"question: {each['question']}\nanswer:" for each in asked]
    own = [
        Question(str(row), (text,) * 4, tuple(f" {choice}" for choice in each["choices"]), (each["answer"],))
        for row, (text, each) in enumerate(zip(context, asked, strict=True))
    ]
    truth = np.array([each["answer"] for each in asked])
    found = evaluate_tasks(ensemble, [write_task(tmp_path, asked)], limit=24)
    scores = found.tasks["tiny_local"]
    assert (found.consensus, scores.rows, list(scores.members)) == (consensus, 24, ["low", "mid", "high"])
    for name, model in zip(scores.members, alone, strict=True):
        said = choice_scores(model, ensemble.tokenizer, own[:24], context=128)
        for metric, normalisation in (("acc", "sum"), ("acc_norm", "characters")):
            right = answer_scores(said, normalisation).argmax(1) == truth[:24]  # type: ignore[arg-type]
            assert scores.members[name][metric].value == right.mean()
    for metric, normalisation in (("acc", "sum"), ("acc_norm", "characters")):
        right = answers_to(ensemble, own[:24], normalisation).probabilities.argmax(1) == truth[:24]  # type: ignore[arg-type]
        assert scores.team[metric].value == right.mean()
        assert scores.team[metric].error == pytest.approx(right.std(ddof=1) / math.sqrt(24))


def test_answers_are_the_mean_of_what_members_answer(team: Team, alone: list[Any]) -> None:
    ensemble = team("answer_probabilities")
    own = [
        Question("0", ("a b",) * 3, (" cat", " an old dog", " rain"), ()),
        Question("1", ("c",) * 2, (" x", " y"), ()),
    ]
    found = answers_to(ensemble, own, "tokens")
    slow = np.stack([answer_scores(choice_scores(model, ensemble.tokenizer, own), "tokens") for model in alone])
    probs = np.exp(slow) / np.exp(slow).sum(2, keepdims=True)
    assert found.members == pytest.approx(probs, abs=1e-5)
    assert found.probabilities == pytest.approx(np.einsum("mqc,m->qc", probs, np.array(WEIGHTS)), abs=1e-5)
    assert found.probabilities[1, 2] == 0


def test_what_cannot_be_asked_is_one_line(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    ensemble, task = team("token_logits"), write_task(tmp_path, questions(2))
    with pytest.raises(ConfigError, match="limit = 0 must be at least 1"):
        evaluate_tasks(ensemble, [task], limit=0)
    with pytest.raises(ConfigError, match="no task is given"):
        evaluate_tasks(ensemble, [])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"empty holds no task: give a \.yaml file"):
        evaluate_tasks(ensemble, [tmp_path / "empty"])
    task.write_text(task.read_text().replace("questions.jsonl", "nowhere.jsonl"))
    with pytest.raises(DataError, match=r"cannot ask tiny_local: .*; where no hub can be reached") as caught:
        evaluate_tasks(ensemble, [tmp_path])
    assert "\n" not in str(caught.value)


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
