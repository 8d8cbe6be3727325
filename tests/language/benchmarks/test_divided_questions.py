"""Which questions are for selection and which are test rows, how many, and what stands before them."""

from pathlib import Path

import pytest
from tests.language.benchmarks.sets import rows_of, write

from lrensemble.errors import ConfigError, DataError, SpecError, UnknownNameError
from lrensemble.language.benchmarks import Question, read_benchmarks
from lrensemble.language.benchmarks.reading import drawn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """ARC has all splits, PIQA no test rows, HellaSwag one split."""
    for place, split in enumerate(("train", "validation", "test")):
        write(tmp_path / f"arc_easy.{split}.jsonl", rows_of(5 + place, first=100 * place))
    write(tmp_path / "piqa.train.jsonl", rows_of(9, answers=2))
    write(tmp_path / "piqa.validation.jsonl", rows_of(4, answers=2, first=50))
    write(tmp_path / "hellaswag.validation.jsonl", rows_of(3))
    rows = [{**row, "subject": ("anatomy", "virology")[place % 2]} for place, row in enumerate(rows_of(8))]
    write(tmp_path / "mmlu.test.jsonl", rows)
    write(tmp_path / "mmlu.validation.jsonl", [{**row, "subject": "virology"} for row in rows_of(2, first=40)])
    write(tmp_path / "mmlu.dev.jsonl", [{**row, "subject": "virology"} for row in rows_of(3, first=60)])
    return tmp_path


def ids(questions: tuple[Question, ...]) -> list[str]:
    return [question.id for question in questions]


def test_which_rows_are_for_what(folder: Path) -> None:
    arc, piqa, hellaswag = read_benchmarks(["arc_easy", "piqa", "hellaswag"], folder)
    assert ids(arc.val) == [f"q{number}" for number in range(100, 106)]
    assert {name: ids(each) for name, each in arc.test.items()} == {"arc_easy": [f"q{n}" for n in range(200, 207)]}
    assert ids(piqa.test["piqa"]) == ["q50", "q51", "q52", "q53"]
    assert len(piqa.val) == 4, "of nine training rows, as many as there are test rows"
    assert set(ids(piqa.val)) < {f"q{number}" for number in range(9)}
    assert hellaswag.val == ()
    assert len(hellaswag.test["hellaswag"]) == 3
    assert (arc.normalisation, piqa.name) == ("characters", "piqa")


def test_numbers_of_rows(folder: Path) -> None:
    arc, piqa = read_benchmarks(["arc_easy", "piqa"], folder, val_rows=2, test_rows=3)
    assert (len(arc.val), len(arc.test["arc_easy"])) == (2, 3)
    assert (len(piqa.val), len(piqa.test["piqa"])) == (2, 3)
    more = read_benchmarks(["arc_easy", "piqa"], folder, val_rows=3, test_rows=99)
    assert set(ids(arc.val)) < set(ids(more[0].val)), "those that are drawn stay when more are"
    assert len(more[0].test["arc_easy"]) == 7
    assert ids(more[0].val) == sorted(ids(more[0].val)), "in their order"


def test_which_are_drawn_does_not_depend_on_their_order(folder: Path) -> None:
    (found,) = read_benchmarks(["arc_easy"], folder)
    assert {each.id for each in drawn(found.val, 3)} == {each.id for each in drawn(found.val[::-1], 3)}
    assert len({question.id for number in range(1, 6) for question in drawn(found.val, number)}) == 5


def test_parts_are_test_sets(folder: Path) -> None:
    (found,) = read_benchmarks(["mmlu(by_subject=true)"], folder)
    assert {name: ids(each) for name, each in found.test.items()} == {
        "mmlu-anatomy": ["q0", "q2", "q4", "q6"],
        "mmlu-virology": ["q1", "q3", "q5", "q7"],
    }
    assert ids(found.val) == ["q40", "q41"]
    one, other = read_benchmarks(["mmlu(subject='virology')", "mmlu(subject='anatomy')"], folder)
    assert (list(one.test), list(other.test)) == (["mmlu-virology"], ["mmlu-anatomy"])
    assert (len(one.val), len(other.val)) == (2, 0)


def test_solved_examples_stand_before_a_question(folder: Path) -> None:
    (found,) = read_benchmarks(["arc_easy"], folder, shots=2)
    before = "Question: what is the 0?\nAnswer: the 0\n\nQuestion: what is other 1?\nAnswer: in 2\n\n"
    assert found.test["arc_easy"][0].contexts[0] == f"{before}Question: what is the 200?\nAnswer:"
    assert found.val[0].contexts[2].startswith(before)
    (mmlu,) = read_benchmarks(["mmlu(subject='virology')"], folder, shots={"mmlu": 1})
    assert (
        mmlu.test["mmlu-virology"][0]
        .contexts[0]
        .startswith(
            "The following are multiple choice questions (with answers) about virology.\n\nwhat is the 60?\nA. the 60\n"
        )
    )
    assert read_benchmarks(["mmlu"], folder)[0].val[0].contexts[0].startswith("The following are multiple")


def test_no_question_is_its_own_example(folder: Path) -> None:
    (piqa,) = read_benchmarks(["piqa"], folder, shots=8)
    for question in piqa.val:
        assert question.example.count("Answer:") == 9
        assert question.example.count(question.contexts[0].rpartition("\n\n")[2]) == 1


def test_a_file_of_ones_own(folder: Path) -> None:
    write(folder / "my set.jsonl.gz", rows_of(4, answers=4))
    write(folder / "my set.validation.jsonl.gz", rows_of(2, answers=4, first=20))
    (found,) = read_benchmarks([{"name": "questions", "path": str(folder / "my set.jsonl.gz")}])
    assert ids(found.test["my-set"]) == ["q0", "q1", "q2", "q3"]
    assert ids(found.val) == ["q20", "q21"]


def test_what_cannot_be_read(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"no benchmark is asked for; give some of .*arc_easy"):
        read_benchmarks([], folder)
    with pytest.raises(UnknownNameError, match=r"no benchmark named 'arc_esy'; did you mean 'arc_easy'\?"):
        read_benchmarks(["arc_esy"], folder)
    with pytest.raises(SpecError, match="benchmark 'mmlu' has no argument 'subjects'"):
        read_benchmarks(["mmlu(subjects='all')"], folder)
    with pytest.raises(ConfigError, match="two benchmarks are called arc_easy; give each of them once"):
        read_benchmarks(["arc_easy", "arc_easy"], folder)
    with pytest.raises(ConfigError, match="val_rows = 0 is refused; give at least 1, or leave it away for all"):
        read_benchmarks(["arc_easy"], folder, val_rows=0)
    with pytest.raises(ConfigError, match="test_rows = -1 is refused"):
        read_benchmarks(["arc_easy"], folder, test_rows=-1)
    with pytest.raises(
        DataError, match=r"holds no test rows of boolq: there is no boolq\.validation\.jsonl or boolq\."
    ):
        read_benchmarks(["boolq"], folder)
    with pytest.raises(
        DataError, match=r"mmlu\(subject='latin'\) asks none of the rows that there are; look at its arg"
    ):
        read_benchmarks(["mmlu(subject='latin')"], folder)


def test_examples_that_cannot_be_had(folder: Path) -> None:
    write(folder / "truthfulqa.jsonl", rows_of(2))
    with pytest.raises(ConfigError, match="shots = 5 is refused for truthfulqa_mc1: its prompt has solved examples of"):
        read_benchmarks(["truthfulqa_mc1"], folder, shots=5)
    with pytest.raises(ConfigError, match="shots = -1 is refused; give 0 or more solved examples"):
        read_benchmarks(["arc_easy"], folder, shots=-1)
    with pytest.raises(ConfigError, match="shots are given for mmlu, which is not among the benchmarks asked for"):
        read_benchmarks(["arc_easy"], folder, shots={"mmlu": 2})
    with pytest.raises(DataError, match="arc_easy has 5 solved examples; 6 were asked for"):
        read_benchmarks(["arc_easy"], folder, shots=6)
    with pytest.raises(DataError, match="hellaswag has 0 solved examples; 1 were asked for"):
        read_benchmarks(["hellaswag"], folder, shots=1)
