"""Questions of a user's own, from a file of his."""

from __future__ import annotations

import re

from lrensemble.errors import SpecError
from lrensemble.language.benchmarks.base import BENCHMARKS, Question, Row, asked, lettered, listed


@BENCHMARKS.register(path="questions.jsonl")
def questions(
    row: Row,
    *,
    path: str,  # noqa: ARG001 – of whoever reads the rows
    prompt: str = "Question: {question}\nAnswer:",
) -> Question:
    """Questions of your own: a file with one JSON object a line, `question`, `choices` and `answer`, its place.

    Args:
        row: the row.
        path: file, `.jsonl` or `.jsonl.gz`, whose rows are test rows. Rows of the file of the same name with
            `.validation` before its ending, where there is one, are validation rows, and `.train` solved examples.
        prompt: text before the answers, with `{question}` in it. Where it holds `{choices}`, the answers are listed
            there by letters, and the letters are scored.

    Raises:
        SpecError: a prompt without the question.
    """
    if "{question}" not in prompt:
        raise SpecError(f"prompt = {prompt!r} asks nothing; give a text with {{question}} in it")
    texts = {"{question}": row.question, "{choices}": listed(row)}
    context = re.sub(r"\{question\}|\{choices\}", lambda found: texts[found[0]], prompt)
    return lettered(row, context) if "{choices}" in prompt else asked(row, context)
