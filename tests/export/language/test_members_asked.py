"""Members of a pool are asked questions, each once, as the very models that they are."""

import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.forked import ForkedProcess
from tests.language.adapter_pools import SETTINGS, adapter_pool, own_base, questions
from tests.language.models import tiny_tokenizer

from lrensemble.errors import ConfigError, PoolError, SpecError
from lrensemble.evaluate import slim
from lrensemble.export.language.asking import ask_members
from lrensemble.language.answering import predictions_of
from lrensemble.language.benchmarks import Benchmark, read_benchmarks
from lrensemble.pool import Pool

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

NAMES = ("arc_easy", "winogrande")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asked") / "with a space"


@pytest.fixture(scope="module")
def benchmarks(home: Path) -> tuple[Benchmark, ...]:
    return read_benchmarks(NAMES, questions(home / "questions"))


@pytest.fixture(scope="module")
def pool(home: Path) -> Pool:
    return adapter_pool(home / "pool", own_base(home))


@pytest.fixture(scope="module")
def answers(home: Path, pool: Pool, benchmarks: tuple[Benchmark, ...]) -> Pool:
    return ask_members(pool, benchmarks, home).answers


def files_of(pool: Pool) -> dict[str, bytes]:
    return {
        f"{member.id}/{path.name}": path.read_bytes() for member in pool.members() for path in member.folder.iterdir()
    }


def test_the_members_are_the_same_and_every_benchmark_is_a_test_set(pool: Pool, answers: Pool) -> None:
    assert [(member.id, member.name, member.order) for member in answers] == [
        (member.id, member.name, member.order) for member in pool
    ]
    assert [member.parameters for member in answers] == [member.parameters for member in pool]
    sizes = {split: known.size for split, known in answers.task.splits.items()}
    assert sizes == {"val": 9 + 5, "test:arc_easy": 14, "test:winogrande": 6}
    assert answers.folder.name == "benchmarks"
    assert all(0 <= member.scores["val"]["accuracy"] <= 1 for member in answers)


def test_each_says_what_peft_makes_of_its_adapter(pool: Pool, answers: Pool, benchmarks: tuple[Benchmark, ...]) -> None:
    base = pool.task.base
    assert base is not None
    for member in pool.members():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alone = transformers.AutoModelForCausalLM.from_pretrained(base.path)
            model = peft.PeftModel.from_pretrained(alone, member.folder).eval()
        expected = predictions_of(model, tiny_tokenizer(), benchmarks)
        for split, said in expected.said.items():
            found = np.asarray(answers[member.id].predictions(split).main)
            assert found == pytest.approx(np.asarray(said.main), abs=1e-5), (member.name, split)
    first, last = (np.asarray(answers[place].predictions("val").main) for place in (0, 2))
    assert not np.allclose(first, last, atol=1e-3)  # the adapters differ, so this says something


def test_the_base_alone_is_a_pool_of_its_own(home: Path, pool: Pool, answers: Pool) -> None:
    (alone,) = Pool.open(home / "benchmarks-base").members()
    assert (alone.id, alone.name) == ("base", "base alone")
    assert "base" not in answers
    assert pool.task.base is not None
    model = transformers.AutoModelForCausalLM.from_pretrained(pool.task.base.path)
    expected = predictions_of(model, tiny_tokenizer(), read_benchmarks(NAMES, home / "questions"))
    for split, said in expected.said.items():
        assert np.asarray(alone.predictions(split).main) == pytest.approx(np.asarray(said.main), abs=1e-5)


def test_who_was_asked_is_not_asked_again(
    home: Path, pool: Pool, answers: Pool, benchmarks: tuple[Benchmark, ...], tmp_path: Path, caplog: Any
) -> None:
    before = files_of(answers)
    for name in ("benchmarks", "benchmarks-base"):
        shutil.copytree(home / name, tmp_path / name)
    second = pool.members()[1]
    shutil.rmtree(tmp_path / "benchmarks" / "members" / second.id)
    with caplog.at_level(logging.INFO, "lrensemble"):
        again = ask_members(pool, benchmarks, tmp_path).answers
    assert [r.getMessage() for r in caplog.records if "is asked" in r.getMessage()] == [
        f"{second.name} is asked, 1 of 1"
    ]
    assert files_of(again) == before


def test_what_a_dead_process_has_claimed_is_asked(
    home: Path, pool: Pool, benchmarks: tuple[Benchmark, ...], answers: Pool, tmp_path: Path
) -> None:
    for name in ("benchmarks", "benchmarks-base"):
        shutil.copytree(home / name, tmp_path / name)
    first = pool.members()[0]
    shutil.rmtree(tmp_path / "benchmarks" / "members" / first.id)
    claims = tmp_path / "benchmarks" / "unfinished"
    program = (
        "import sys, pathlib; from lrensemble.files.claims import claim; claim(pathlib.Path(sys.argv[1]), sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", program, str(claims), first.id], check=True)
    assert list((claims / first.id).iterdir())
    assert files_of(ask_members(pool, benchmarks, tmp_path).answers) == files_of(answers)


def test_what_a_living_process_has_claimed_is_waited_for(
    home: Path, pool: Pool, benchmarks: tuple[Benchmark, ...], answers: Pool, tmp_path: Path, forking: Path
) -> None:
    """Another process asks the same at the same time: each member is asked by one of the two."""
    script = (
        "import sys; from pathlib import Path; from lrensemble.pool import Pool\n"
        "from lrensemble.export.language.asking import ask_members\n"
        "from lrensemble.language.benchmarks import read_benchmarks\n"
        "asked = read_benchmarks(['arc_easy', 'winogrande'], sys.argv[2])\n"
        "ask_members(Pool.open(sys.argv[1]), asked, Path(sys.argv[3]))\n"
    )
    given = [str(pool.folder), str(home / "questions"), str(tmp_path)]
    with ForkedProcess(forking, ["-c", script, *given]) as other:
        found = files_of(ask_members(pool, benchmarks, tmp_path).answers)
        assert other.wait() == 0
    assert found == files_of(answers)


def test_a_whole_model_is_asked_with_all_its_weights(
    home: Path, benchmarks: tuple[Benchmark, ...], tmp_path: Path
) -> None:
    base = home / "base" if (home / "base").exists() else own_base(home)
    whole = adapter_pool(
        tmp_path / "pool", base, model={"name": "causal-lm", "base": str(base)}, policy=["constant(peak=0.01)"]
    )
    (member,) = whole.members()
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(member.weights()[name])
    expected = predictions_of(model.eval(), tiny_tokenizer(), benchmarks).said["test:arc_easy"]
    (found,) = ask_members(whole, benchmarks, tmp_path).answers.members()
    assert np.asarray(found.predictions("test:arc_easy").main) == pytest.approx(np.asarray(expected.main), abs=1e-5)


def test_what_a_whole_model_did_not_learn_is_its_base(
    home: Path, benchmarks: tuple[Benchmark, ...], tmp_path: Path
) -> None:
    """Rate 0 leaves the embedding as it was, and out of the member's file."""
    base = home / "base" if (home / "base").exists() else own_base(home)
    whole = adapter_pool(
        tmp_path / "pool",
        base,
        model={"name": "causal-lm", "base": str(base)},
        policy=["constant(peak=0.01)"],
        train={**SETTINGS["train"], "group": [{"parameters": "embed_tokens", "rate": 0}]},
    )
    (member,) = whole.members()
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    missing, unexpected = model.load_state_dict(dict(member.weights()), strict=False)
    assert (missing, unexpected) == (["model.embed_tokens.weight"], [])
    expected = predictions_of(model.eval(), tiny_tokenizer(), benchmarks).said["test:arc_easy"]
    (found,) = ask_members(whole, benchmarks, tmp_path).answers.members()
    assert np.asarray(found.predictions("test:arc_easy").main) == pytest.approx(np.asarray(expected.main), abs=1e-5)


def test_answers_to_other_questions_are_in_the_way(home: Path, pool: Pool, answers: Pool) -> None:
    others = read_benchmarks(["arc_easy"], home / "questions")
    before = files_of(answers)
    with pytest.raises(PoolError, match=r"another task; given: .*; use another folder, or the very benchmarks that"):
        ask_members(pool, others, home)
    assert files_of(answers) == before


def test_what_cannot_be_asked_is_said(
    home: Path, pool: Pool, answers: Pool, benchmarks: tuple[Benchmark, ...], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="refers to no base model: its members are no language models"):
        ask_members(answers, benchmarks, tmp_path)
    moved = home / "base"
    moved.rename(home / "elsewhere")
    try:
        with pytest.raises(SpecError, match="there is no folder"):
            ask_members(pool, benchmarks, tmp_path / "out")
    finally:
        (home / "elsewhere").rename(moved)


def test_members_without_weights_are_left_out_and_named(
    pool: Pool, benchmarks: tuple[Benchmark, ...], tmp_path: Path, caplog: Any
) -> None:
    shutil.copytree(pool.folder, tmp_path / "pool")
    lean = Pool.open(tmp_path / "pool")
    slim(lean, best=1)
    found = ask_members(lean, benchmarks, tmp_path).answers
    assert len(found) == 1
    dropped = next(member for member in pool if member.id not in found)
    assert f"the weights of {dropped.name} and 1 more were dropped" in caplog.text
