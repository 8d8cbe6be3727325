"""A task of lm-evaluation-harness in local files, and questions for it about nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np

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
  - metric: acc_norm
"""


def questions(count: int) -> list[dict[str, Any]]:
    generator = np.random.default_rng(0)
    drawn = [generator.choice(WORDS, 7, replace=False).tolist() for _ in range(count)]
    return [
        {"question": " ".join(words[:3]), "choices": words[3:], "answer": int(generator.integers(4))} for words in drawn
    ]


def write_task(folder: Path, asked: list[dict[str, Any]]) -> Path:
    file, task = folder / "questions.jsonl", folder / "tiny_local.yaml"
    file.write_text("".join(json.dumps(row) + "\n" for row in asked))
    task.write_text(TASK.replace("FILE", str(file)))
    return task
