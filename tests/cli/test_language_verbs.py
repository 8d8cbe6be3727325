"""Verbs on teams of language models: `predict` answers questions, `evaluate --harness` scores tasks."""

import csv
import io
import json
from pathlib import Path

import pytest
from tests.cli.command import check_output
from tests.cli.test_generate_verb import invoke
from tests.export.language.adapters import write_adapter
from tests.export.language.local_tasks import questions, write_task
from tests.language.models import tiny_base

from lrensemble.errors import ConfigError, DataError
from lrensemble.export.language import LanguageEnsemble
from lrensemble.export.language.questions.answers import answer_files

ASKED = [
    {"question": "which is red", "choices": ["cat", "old dog", "rain"], "answer": 1, "id": "q7"},
    {"question": "one of two", "choices": ["one", "ten"]},
]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verbs of language")
    base = tiny_base(folder / "base")
    members = {name: write_adapter(folder / name, base, seed) for seed, name in enumerate(("a", "b"))}
    LanguageEnsemble.from_adapters(base, members, (0.7, 0.3)).save(folder / "team")
    (folder / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ASKED))
    return folder / "team"


def test_questions_are_answered(team: Path) -> None:
    asked = team.parent / "asked.jsonl"
    found = answer_files(LanguageEnsemble.load(team), [asked], members=True)
    printed = invoke(["predict", str(team), str(asked), "--members"], catch_exceptions=False)
    head, first, second = csv.reader(io.StringIO(printed.stdout))
    assert head == ["file", "row", "label", "p:A", "p:B", "p:C", "answer", "member:a", "member:b"]
    assert [float(cell) for cell in first[3:6]] == found.predictions.said[0].tolist()
    assert first[6] == ASKED[0]["choices"]["ABC".index(first[2])]  # type: ignore[index]
    assert second[5] == "0.0"
    assert "of the answers that are known are right" in printed.stderr
    out = invoke(["predict", str(team), str(asked), "--members", "--json"], catch_exceptions=False).stdout
    check_output("predict", out)
    record = json.loads(out)
    assert record["accuracy"] == found.accuracy == float(first[2] == "B")
    assert record["predictions"][0]["members"] == {"a": first[7], "b": first[8]}


def test_tasks_are_scored(team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lm_eval")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    task = write_task(tmp_path, questions(6))
    options = ["evaluate", str(team), "--harness", str(task), "--limit", "5"]
    out = invoke([*options, "--json"], catch_exceptions=False).stdout
    check_output("evaluate", out)
    scores = json.loads(out)["tasks"]["tiny_local"]
    assert scores["rows"] == 5
    shown = invoke(options, catch_exceptions=False).stdout
    assert "tiny_local, 5 rows" in shown
    assert f"{scores['members']['b']['acc_norm']['value']:.4f}" in shown
    assert "speaks as one by token_probabilities" in shown


def test_what_is_wrong_is_one_line(team: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text('{"question": "x"}\n')
    with pytest.raises(DataError, match=r"bad\.jsonl, line 1 cannot be read .*; give question and choices"):
        invoke(["predict", str(team), str(tmp_path / "bad.jsonl")], catch_exceptions=False)
    with pytest.raises(DataError, match="is no file of questions; give one that ends in"):
        invoke(["predict", str(team), "image.png"], catch_exceptions=False)
    with pytest.raises(ConfigError, match=r"--members is for teams of language models, and .* is none; leave it out"):
        invoke(["predict", str(tmp_path), "image.png", "--members"], catch_exceptions=False)
    with pytest.raises(ConfigError, match="--limit goes with --harness TASK; leave it out"):
        invoke(["evaluate", str(tmp_path), "--limit", "3"], catch_exceptions=False)
    with pytest.raises(ConfigError, match=r"there is no nothing\.yaml; give the \.yaml file of a task"):
        invoke(["evaluate", str(team), "--harness", "nothing.yaml"], catch_exceptions=False)
