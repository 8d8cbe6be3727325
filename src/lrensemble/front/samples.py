"""Samples of generated text for the page: what base, best single member and team write after held-out prompts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lrensemble.config import Recipe, to_record
from lrensemble.errors import ReportError
from lrensemble.evaluate import Result
from lrensemble.export.language import Decoding, LanguageEnsemble
from lrensemble.language.base import load_base
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.tokens import token_likelihoods
from lrensemble.pool import Member, Pool
from lrensemble.registry import known_paths_only
from lrensemble.report.language.samples import BASE, SINGLE, TEAM, Sample, Samples, stored_samples, write_samples
from lrensemble.report.report_data import ReportData
from lrensemble.train.run.reading import read_of_recipe

MAX_TOKENS = 64
"""Tokens of a text, unless asked otherwise."""

CONSENSUS = "token_probabilities"
"""How a team writes: likelihoods of tokens alone are scored by the mean of probabilities, and by no other."""


class Prompt(NamedTuple):
    """A held-out prompt, and what the data set answers."""

    text: str
    answer: str


def sample_texts(
    pool: Pool,
    result: Result,
    page: Path,
    count: int,
    *,
    data: Path | None = None,
    max_tokens: int = MAX_TOKENS,
) -> Samples:
    """Texts after held-out prompts, written beside a page; those that are there already, by the same team, stay.

    Args:
        pool: of adapters, with its teams.
        result: of their evaluation.
        page: file of the page that will show them.
        count: how many prompts, spread evenly over the test rows.
        data: folder of the data that the members learned.
        max_tokens: tokens of a text at most.

    Raises:
        ReportError: a number that cannot be, or members that are no adapters.
        DataError: the data are not those that the members learned, or cannot be read.
        SpecError: the base is not where it was.
        StorageError: the file cannot be written.
        MissingExtraError: `transformers` or `peft` is not installed.
    """
    report = ReportData(pool, result, data, page)
    _check(report, count)
    known = stored_samples(report)
    if isinstance(known, Samples) and len(known.samples) == count and known.max_tokens == max_tokens:
        return known
    dataset = _dataset(report)
    found = _written(report, dataset, _prompts(report, dataset, count), max_tokens)
    write_samples(found, page)
    return found


def _check(report: ReportData, count: int) -> None:
    if not 1 <= count <= 100:
        raise ReportError(f"samples = {count} is refused; give 1 to 100 prompts")
    wanted = {report.best.id, *(() if report.chosen is None else report.chosen.team)}
    for member in report.members:
        if member.id in wanted and (member.adapter is None or not member.has_weights):
            reason = "is no adapter of a language model" if member.adapter is None else "has no weights any more"
            raise ReportError(f"no samples of generated text: member {member.name} {reason}; leave samples out")


def _dataset(report: ReportData) -> SequenceDataset:
    """What the best single member learned, read again and recognised."""
    if report.best.recipe is None:
        raise ReportError(f"no samples of generated text: nobody knows which texts {report.best.name} learned")
    recipe = to_record(Recipe, report.best.recipe, "recipe")
    dataset = read_of_recipe(recipe, report.data_folder, trust_code=report.pool.trust_code)
    assert isinstance(dataset, SequenceDataset), "an adapter learns sequences"
    return dataset


def _prompts(report: ReportData, dataset: SequenceDataset, count: int) -> list[Prompt]:
    """Prompts of test rows, spread evenly, each with its first answer."""
    with known_paths_only(str(report.pool.folder), trust_code=report.pool.trust_code):
        tokenizer = load_base(dataset.base).tokenizer
    sequences = dataset.sequences["test"]
    places = np.unique(np.linspace(0, len(sequences) - 1, count).round().astype(int))
    found = []
    for place in places.tolist():
        ids, answer = sequences.ids[place], sequences.answer[place]
        first = int(answer.argmax())
        last = first + int((~answer[first:]).argmax() or len(answer) - first)
        begin = int(first > 0 and ids[0] == tokenizer.bos_token_id)  # which is put before every prompt again
        texts = (ids[begin:first].tolist(), ids[first:last].tolist())
        found.append(Prompt(*(tokenizer.decode(each, skip_special_tokens=True) for each in texts)))
    return [prompt for prompt in found if prompt.text.strip()]


def _written(report: ReportData, dataset: SequenceDataset, prompts: Sequence[Prompt], max_tokens: int) -> Samples:
    """What each of those who write has to say, one after the other, so that one is in memory at a time."""
    decoding, team = Decoding(max_tokens=max_tokens), report.chosen
    texts, speeds = dict[str, list[str]](), dict[str, float]()
    single = _ensemble(report, dataset, [report.best], (1.0,), CONSENSUS)
    with single.base_alone() as base:
        base_loss = -float(token_likelihoods(base.model, dataset.sequences["val"]).main.mean(dtype=np.float64))
        texts[BASE], speeds[BASE] = _timed(base, prompts, decoding)
    texts[SINGLE], speeds[SINGLE] = _timed(single, prompts, decoding)
    consensus = ""
    if team is not None:
        consensus = CONSENSUS
        by_id = {member.id: member for member in report.members}
        del single
        several = _ensemble(report, dataset, [by_id[id_] for id_ in team.team], team.weights, consensus)
        texts[TEAM], speeds[TEAM] = _timed(several, prompts, decoding)
    return Samples(
        base=dataset.base.weights_sha256,
        single=report.best.id,
        team=() if team is None else team.team,
        weights=() if team is None else team.weights,
        consensus=consensus,
        max_tokens=max_tokens,
        base_loss=base_loss,
        tokens_per_second=speeds,
        samples=tuple(
            Sample(prompt=prompt.text, answer=prompt.answer, texts={who: own[place] for who, own in texts.items()})
            for place, prompt in enumerate(prompts)
        ),
    )


def _ensemble(
    report: ReportData,
    dataset: SequenceDataset,
    members: Sequence[Member],
    weights: Sequence[float],
    consensus: str,
) -> LanguageEnsemble:
    folders = {member.name: member.weights_file().parent for member in members}
    with known_paths_only(str(report.pool.folder), trust_code=report.pool.trust_code):
        return LanguageEnsemble.from_adapters(dataset.base, folders, weights, consensus=consensus)


def _timed(writer: LanguageEnsemble, prompts: Sequence[Prompt], decoding: Decoding) -> tuple[list[str], float]:
    """Texts after all prompts at once, and tokens a second."""
    start = time.perf_counter()
    written = writer.generate_all([prompt.text for prompt in prompts], decoding)
    seconds = time.perf_counter() - start
    return [each.text for each in written], round(sum(len(each.tokens) for each in written) / seconds, 2)
