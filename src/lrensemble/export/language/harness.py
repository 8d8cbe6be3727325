"""Teams and their members in lm-evaluation-harness, as the model `lrensemble`.

```
python -m lrensemble.export.language.harness --model lrensemble --model_args path=ENSEMBLE --tasks TASK
python -m lrensemble.export.language.harness --model lrensemble --model_args path=ENSEMBLE,member=cosine --tasks TASK
```

This is the harness's own command line, in which the model is known; it finds no models of other packages by itself. In
Python, `simple_evaluate(model=harness_model(team), tasks=[…])`.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.errors import ExportError
from lrensemble.export.language.decoding import Decoding
from lrensemble.export.language.ensemble import LanguageEnsemble
from lrensemble.export.language.questions.asked import Asked, Reply
from lrensemble.language.pairs import end_token
from lrensemble.language.sequences import Sequences
from lrensemble.models.transformers_library import whole_library

NAME = "lrensemble"
ROWS, TOKENS = 16, 256
"""Sequences in a batch, and tokens of a text where the task does not say."""


def harness_model(ensemble: LanguageEnsemble, rows: int = ROWS) -> Any:
    """A team as a model of lm-evaluation-harness.

    With the consensus `answer_probabilities` the answers of one question are asked together, and what the harness
    compares are logarithms of the mean of their probabilities: its `acc` is then that of the team. Its `acc_norm`
    divides by characters after the members have been averaged; `evaluate_tasks` divides before.

    Raises:
        MissingExtraError: lm-eval is not installed.
    """
    return _model_class()(ensemble, rows)


def models_of(ensemble: LanguageEnsemble, rows: int = ROWS) -> tuple[Any, dict[str, Any]]:
    """A team and each of its members, by name, as models that are asked together: what one was asked, all were.

    Raises:
        MissingExtraError: lm-eval is not installed.
    """
    asked = Asked(ensemble, rows)
    members = {name: _model_class()(ensemble.alone(name), rows, asked=asked) for name in ensemble.description.names}
    return _model_class()(ensemble, rows, asked=asked), members


def register() -> None:
    """Make the name `lrensemble` known to the harness in this process.

    Raises:
        MissingExtraError: lm-eval is not installed.
    """
    registry = part_of_harness("lm_eval.api.registry")
    part_of_harness("lm_eval.models")  # its own names, which it only fills in where there are none yet
    if NAME not in registry.model_registry:
        registry.register_model(NAME)(_model_class())


def main() -> None:
    """The command line of the harness, with this model in it."""
    register()
    part_of_harness("lm_eval.__main__").cli_evaluate()


def rolling_sequences(ensemble: LanguageEnsemble, text: str) -> Sequences:
    """A text in windows that the model can look at, each token scored once, with as much before it as there is room.

    Raises:
        DataError: the tokenizer has no token to begin with.
    """
    tokenizer = ensemble.tokenizer
    ids = [int(token) for token in tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]]
    begin = end_token(tokenizer) if tokenizer.bos_token_id is None else int(tokenizer.bos_token_id)
    whole, room = [begin, *ids], ensemble.context or len(ids) + 1
    windows = list[tuple[int, int, int]]()  # where it begins, where its answers begin, where it ends
    for start in range(1, len(whole), room):
        end = min(start + room, len(whole))
        windows.append((max(0, end - room - 1), start, end))
    width = max((end - first for first, _, end in windows), default=0)
    found = np.full((len(windows), width), tokenizer.pad_token_id, dtype=np.int64)
    answer = np.zeros(found.shape, dtype=np.bool_)
    for row, (first, start, end) in enumerate(windows):
        found[row, : end - first] = whole[first:end]
        answer[row, start - first : end - first] = True
    lengths = np.array([end - first for first, _, end in windows], dtype=np.int64)
    return Sequences(found, lengths, answer)


def decoding_of(options: dict[str, Any], prompts_end: str | None = None) -> Decoding:
    """How a task wants texts to be written.

    Args:
        options: `until`, `max_gen_toks`, `temperature`, `top_p`, `do_sample`, as tasks have them.
        prompts_end: text of the token that ends texts, which ends them anyway.

    Raises:
        ExportError: beams, which a team does not have.
    """
    if options.get("num_beams", 1) != 1:
        raise ExportError("this task wants beams, and a team writes one text; set num_beams: 1 in generation_kwargs")
    until = options.get("until") or []
    until = [until] if isinstance(until, str) else until
    draws = options.get("do_sample", options.get("temperature", 0) > 0)
    return Decoding(
        max_tokens=int(options.get("max_gen_toks", options.get("max_new_tokens", TOKENS))),
        temperature=float(options.get("temperature", 1.0)) if draws else 0.0,
        top_p=float(options.get("top_p", 1.0)),
        stop=tuple(text for text in until if text and text != prompts_end),
    )


@functools.cache
def _model_class() -> Any:
    """The class that the harness takes, made where the harness is there."""
    lm: Any = part_of_harness("lm_eval.api.model").LM

    class HarnessModel(lm):  # type: ignore[misc]  # the harness has no types
        """A team, or one of its members, that is asked by lm-evaluation-harness."""

        def __init__(
            self,
            path: str | LanguageEnsemble,
            batch_size: int | str = ROWS,
            member: str | None = None,
            base: str | None = None,
            device: str | None = None,
            max_batch_size: int | None = None,  # noqa: ARG002  # of the command line
            asked: Asked | None = None,
        ) -> None:
            super().__init__()
            given = (
                LanguageEnsemble.load(Path(path), base=base, device=device or "cpu") if isinstance(path, str) else path
            )
            self.ensemble = given if member is None else given.alone(member)
            self.rows = int(batch_size) if str(batch_size).isdigit() else ROWS
            self.asked = asked or Asked(self.ensemble, self.rows)

        def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[Reply]:  # noqa: ARG002
            """Log-likelihoods of answers after their contexts."""
            pairs = [request.args for request in requests]
            names = self.asked.ensemble.description.names
            if self.ensemble is self.asked.ensemble:
                return self.asked.team(pairs)
            return self.asked.members(pairs, names.index(self.ensemble.description.names[0]))

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:  # noqa: ARG002
            """Log-likelihoods of whole texts."""
            texts = [rolling_sequences(self.ensemble, request.args[0]) for request in requests]
            return [float(self.ensemble.score(each, self.rows).log_probs.sum()) for each in texts]

        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:  # noqa: ARG002
            """Texts after prompts."""
            end = self.ensemble.tokenizer.eos_token
            asked = [(request.args[0], decoding_of(request.args[1], end)) for request in requests]
            return [self.ensemble.generate(prompt, decoding, raw=True).text for prompt, decoding in asked]

    return HarnessModel


@contextmanager
def quiet_harness() -> Iterator[None]:
    """Without what the harness tells of itself, its progress bars among it.

    Raises:
        MissingExtraError: lm-eval is not installed.
    """
    task, logger = part_of_harness("lm_eval.api.task"), logging.getLogger("lm_eval")
    bar, level = getattr(task, "tqdm", None), logger.level
    logger.setLevel(logging.ERROR)
    if bar is not None:
        task.tqdm = functools.partial(bar, disable=True)
    try:
        yield
    finally:
        logger.setLevel(level)
        if bar is not None:
            task.tqdm = bar


def part_of_harness(name: str) -> Any:
    """A module of the harness.

    Raises:
        MissingExtraError: lm-eval is not installed, or not as a whole.
    """
    return whole_library(name, "lm-evaluation-harness is not here; pip install 'lrensemble[llm]'")


if __name__ == "__main__":
    main()
