"""From an experiment to benchmarks: a base that is pre-trained, adapters, a team, and what they say of questions."""

import json
from pathlib import Path

import pytest
from tests.cli.command import Command, Outcome
from tests.language.adapter_pools import questions
from tests.language.texts import stories

import lrensemble
from lrensemble.evaluate import looks
from lrensemble.evaluate.benchmarks import read_judgement
from lrensemble.pool import Pool

pytest.importorskip("peft")

EXPERIMENT = """
plugins = ["tests.language.toy_texts"]
[data]
name = "toy-texts"
[pretrain]
texts = ["stories.jsonl"]
vocabulary = 280
width = 16
layers = 1
heads = 2
context = 64
length = 24
steps = 3
[model]
name = "lora"
rank = 2
[train]
epochs = 2
batch_size = 8
optimizer = "adamw"
[[policy]]
name = "cosine"
peak = [0.02, 0.1]
[select]
methods = ["best", "all"]
metric = "nll"
[benchmarks]
names = ["arc_easy", "winogrande"]
test_rows = 10
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = questions(tmp_path_factory.mktemp("data") / "of all")
    stories(folder / "stories.jsonl")
    (folder / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder


def run_it(command: Command, data: Path, out: Path, *more: object) -> Outcome:
    return command("run", data / "tiny.toml", "--data", data, "--out", out, "--execution", "one-by-one", *more)


def test_run_goes_on_to_the_benchmarks_and_asks_nobody_twice(command: Command, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "a run"
    first = run_it(command, data, out)
    assert first.status == 0, first.err
    assert "pre-training: step 3 of 3" in first.err
    assert "benchmarks: base alone is asked, 1 of 3" in first.err
    assert "accuracy in percent on benchmarks" in " ".join(first.out.split())
    found = read_judgement(out / "benchmarks.json")
    assert list(found.benchmarks) == ["arc_easy", "winogrande"]
    assert [each.questions for each in found.benchmarks.values()] == [10, 6]
    assert found.choice.names == {member.id: member.name for member in Pool.open(out / "pool")}
    again = run_it(command, data, out)
    assert again.status == 0
    assert "is asked" not in again.err
    assert len(looks(Pool.open(out / "benchmarks"))) == 1

    options = ("--data", data, "--test-rows", 10)
    asked = command("benchmark", out / "pool", "arc_easy", "winogrande", *options, "--json")
    assert asked.status == 0
    assert json.loads(asked.out) == found.model_dump(mode="json")
    by_python = lrensemble.benchmark(str(out / "pool"), ["arc_easy", "winogrande"], data=str(data), test_rows=10)
    assert by_python == found
    assert by_python._repr_html_()

    elsewhere = command("benchmark", out / "pool", "winogrande", "--data", data, "--out", tmp_path / "other")
    assert elsewhere.status == 0
    assert (tmp_path / "other" / "benchmarks.json").is_file()
    in_the_way = command("benchmark", out / "pool", "winogrande", "--data", data)
    assert in_the_way.status == 2
    assert "holds a pool for another task" in " ".join(in_the_way.err.split())
    no_language = command("benchmark", out / "benchmarks", "winogrande", "--data", data, "--out", tmp_path / "third")
    assert no_language.status == 2
    assert "refers to no base model" in no_language.err


def test_what_cannot_be_asked_is_refused_before_anything_is_trained(
    command: Command, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "arc.toml").write_text(EXPERIMENT.replace('"winogrande"', '"piqa"'), encoding="utf-8")
    refused = command("run", tmp_path / "arc.toml", "--data", data, "--out", tmp_path / "out")
    assert refused.status == 2
    assert "holds no test rows of piqa" in " ".join(refused.err.split())
    assert not (tmp_path / "out").exists()
    unknown = command("benchmark", tmp_path, "arc_eazy", "--data", data)
    assert unknown.status == 2
    assert "no benchmark named 'arc_eazy'; did you mean 'arc_easy'" in " ".join(unknown.err.split())
    (tmp_path / "arc.toml").write_text(EXPERIMENT + "\nrows = 3\n", encoding="utf-8")
    key = command("run", tmp_path / "arc.toml", "--data", data, "--out", tmp_path / "out")
    assert "benchmarks.rows: no such key" in " ".join(key.err.split())


def test_no_hub_is_asked_for_questions_where_the_folder_of_all_data_is_missing(command: Command) -> None:
    refused = command("run", "alpaca-tiny")
    assert refused.status == 2
    said = "lrensemble: instructions needs the folder of its files (alpaca-subset/alpaca_subset.jsonl.gz): set"
    assert " ".join(refused.err.split()).startswith(said)
