"""Prompts and scores against lm-evaluation-harness: its tasks as they are installed, and its own model class."""

import ast
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.language.benchmarks.sets import rows_of, write
from tests.language.benchmarks.test_layouts import HUB
from tests.language.models import tiny_model, tiny_tokenizer

from lrensemble.language.answering import predictions_of
from lrensemble.language.benchmarks import BENCHMARKS, Question, read_benchmarks

found = importlib.util.find_spec("lm_eval")
if found is None or found.origin is None:
    pytest.skip("lm_eval is not installed: pip install 'lrensemble[llm]'", allow_module_level=True)
TASKS = Path(found.origin).parent / "tasks"

pytestmark = pytest.mark.filterwarnings("ignore")

FILES = {
    "arc_easy": "arc/arc_easy.yaml",
    "openbookqa": "openbookqa/openbookqa.yaml",
    "hellaswag": "hellaswag/hellaswag.yaml",
    "piqa": "piqa/piqa.yaml",
    "winogrande": "winogrande/default.yaml",
    "boolq": "super_glue/boolq/default.yaml",
    "commonsense_qa": "commonsense_qa/default.yaml",
    "mmlu": "mmlu/default/_default_template_yaml",
    "truthfulqa_mc1": "truthfulqa/truthfulqa_mc1.yaml",
}
EXAMPLES: dict[str, dict[str, Any]] = {
    **{name: raw for name, (raw, _) in HUB.items()},
    "commonsense_qa": {
        "id": "x",
        "question": " who?",
        "choices": {"text": ["a", "b", "c", "d", "e"], "label": ["A", "B", "C", "D", "E"]},
        "answerKey": "D",
    },
    "mmlu": {"question": "who? ", "subject": "anatomy", "choices": ["k", "l", "m", "n"], "answer": 3},
    "truthfulqa_mc1": {"question": "who?", "mc1_targets": {"choices": ["one", "two"], "labels": [1, 0]}},
}


def task_of(path: Path) -> dict[str, Any]:
    """A task's file with its functions."""

    yaml = pytest.importorskip("yaml")
    loader_of_tasks: Any = type("Loader", (yaml.SafeLoader,), {})

    def function(loader: Any, node: Any) -> Callable[..., Any]:
        module, name = loader.construct_scalar(node).split(".")
        spec = importlib.util.spec_from_file_location(module, path.parent / f"{module}.py")
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        written: Callable[..., Any] = getattr(loaded, name)
        return written

    getattr(loader_of_tasks, "add_constructor")("!function", function)
    task: dict[str, Any] = yaml.load(path.read_text(), loader_of_tasks)
    return task


def written(template: Any, raw: dict[str, Any]) -> Any:
    """What a field of a task makes of a row: a function, a template, a column, or itself."""
    jinja2 = pytest.importorskip("jinja2")
    if callable(template):
        return template(raw)
    if isinstance(template, list):
        return template
    if template in raw:
        return raw[template]
    text = jinja2.Template(template, keep_trailing_newline=True).render(**raw)
    return ast.literal_eval(text) if text.startswith("[") else text


@pytest.mark.parametrize("name", FILES)
def test_prompts_are_those_of_its_tasks(name: str) -> None:
    task, raw = task_of(TASKS / FILES[name]), EXAMPLES[name]
    if name == "hellaswag":
        raw = task["process_docs"](One(raw))
        assert raw["gold"] == 1
    facts = BENCHMARKS.facts(name)
    question = BENCHMARKS.call(name, facts.layout(EXAMPLES[name]))
    assert question is not None
    choices, text = written(task["doc_to_choice"], raw), written(task["doc_to_text"], raw)
    if name == "winogrande":
        target = task["doc_to_target"](raw)
        assert pairs(question) == {(context, f" {target}") for context in choices}
        assert question.right == (text,)
        return
    if name == "boolq":
        assert sorted(choices) == ["no", "yes"]
        choices = ["yes", "no"]
    assert pairs(question) == {(text, f" {choice}") for choice in choices}
    assert facts.repo == task["dataset_path"]


class One:
    """A data set of one row, as far as a task looks at it."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row

    def map(self, function: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        return {**self.row, **function(self.row)}


def pairs(question: Question) -> set[tuple[str, str]]:
    return set(zip(question.contexts, question.continuations, strict=True))


def test_descriptions_of_mmlu() -> None:
    task = task_of(TASKS / "mmlu/default/mmlu_high_school_physics.yaml")
    question = BENCHMARKS.call(
        "mmlu", BENCHMARKS.facts("mmlu").layout({**EXAMPLES["mmlu"], "subject": task["dataset_name"]})
    )
    assert question is not None
    assert question.preamble == task["description"]


TASK = """
task: own_arc
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: answer
doc_to_choice: choices
metric_list: [{{metric: acc}}, {{metric: acc_norm}}, {{metric: acc_mutual_info}}]
"""


def test_scores_are_those_of_its_own_model_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log-likelihood by log-likelihood; its class is told to put the token first that texts begin with."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    lm_eval = importlib.import_module("lm_eval")
    model_class = importlib.import_module("lm_eval.models.huggingface").HFLM
    task_manager = importlib.import_module("lm_eval.tasks").TaskManager
    from tokenizers.processors import TemplateProcessing

    file = write(tmp_path / "arc_easy.test.jsonl", rows_of(20, uneven=True, answers=4))
    write(tmp_path / "arc_easy.validation.jsonl", rows_of(2, first=50))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "own_arc.yaml").write_text(TASK.format(file=file))
    model, tokenizer = tiny_model(1, context=30), tiny_tokenizer()
    asked = read_benchmarks(["arc_easy"], tmp_path)
    own = {
        by: predictions_of(model, tokenizer, asked, normalisation=by) for by in ("sum", "characters", "unconditional")
    }
    assert own["sum"].cut > 0
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    theirs = model_class(
        pretrained=model, tokenizer=tokenizer, add_bos_token=True, batch_size=3, device="cpu", max_length=30
    )
    manager = task_manager(include_path=str(tmp_path / "tasks"), include_defaults=False)
    result = lm_eval.simple_evaluate(
        theirs, tasks=["own_arc"], task_manager=manager, bootstrap_iters=0, log_samples=True
    )
    samples = sorted(result["samples"]["own_arc"], key=lambda each: int(each["doc_id"]))
    for row, sample in enumerate(samples):
        count = len(sample["doc"]["choices"])
        scores = np.array([float(response[0]) for response in sample["filtered_resps"]])[:count]
        expected = scores - np.logaddexp.reduce(scores)
        assert own["sum"].said["test:arc_easy"].main[row, :count] == pytest.approx(expected, abs=1e-4)
    for by, metric in (("sum", "acc"), ("characters", "acc_norm"), ("unconditional", "acc_mutual_info")):
        hits = own[by].said["test:arc_easy"].labels() == own[by].truth["test:arc_easy"]
        assert hits.mean() == pytest.approx(result["results"]["own_arc"][f"{metric},none"])
