"""A team that was chosen on one pool, judged by what its members say in another: the answers to benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lrensemble.environment import environment
from lrensemble.errors import PoolError
from lrensemble.evaluate.benchmarks.record import Benchmarks, Choice, OnBenchmark, sentence, stored_judgement
from lrensemble.evaluate.comparison import gains
from lrensemble.evaluate.judged import Judged, judged
from lrensemble.evaluate.looks import described, write_look
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.scores import scores
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.teams import Team, choose
from lrensemble.evaluate.verdict import short
from lrensemble.metrics.significance import holm
from lrensemble.pool import Pool

METRICS = ("accuracy", "nll")


def judge_benchmarks(
    pool: Pool, teams: Sequence[Team], answers: Pool, base: Pool | None = None, *, known: Path | None = None
) -> Benchmarks:
    """The judged team, with the weights that it has, beside the best single model, on every test set of another pool.

    Both are those of the pool's own `val` rows; the questions have no part in the choice. What is judged of the team is
    the weighted mean of its members' probabilities of the choices of a question.

    Args:
        pool: that the members were trained in, and teams chosen from.
        teams: its stored teams; perhaps none.
        answers: the same members, by the same ids, on questions.
        base: the base alone on the same questions.
        known: file of an earlier judgement; where it is of the very same, it is returned, and nothing is looked at.

    Raises:
        PoolError: a member was not asked, or the pools are damaged.
        StorageError: the pool of answers cannot be written to: every look at test rows is noted there.
    """
    fixed = _fixed(pool, teams)
    asked = {member.id: member.name for member in answers.members()}
    choice = _choice(pool, fixed, answers, asked)
    if known is not None and (stored := stored_judgement(known, choice)) is not None:
        return stored
    tests = answers.task.test_sets
    who = [
        described(each.method, each.metric, choice.consensus, each.team) for each in (fixed.single, fixed.team) if each
    ]
    looks = write_look(answers, who, tests)
    found = {short(split): _on(split, answers, base, choice, looks[split]) for split in tests}
    return Benchmarks(choice=choice, benchmarks=_adjusted(found), environment=environment())


def _fixed(pool: Pool, teams: Sequence[Team]) -> Judged:
    if teams:
        return judged(pool, teams)[0]
    single = choose(pool, "best")
    return Judged(single.metric, single, None)


def _choice(pool: Pool, fixed: Judged, answers: Pool, asked: Mapping[str, str]) -> Choice:
    team = fixed.team
    wanted = (*fixed.single.team, *(team.team if team else ()))
    if missing := [name for name in wanted if name not in asked]:
        names = {member.id: member.name for member in pool.members()}
        raise PoolError(
            f"member {missing[0]} ({names[missing[0]]}) has no answers in {answers.folder}; ask it with lrensemble "
            f"benchmark {pool.folder}, or, where its weights were dropped, remove it and run the sweep again"
        )
    return Choice(
        task=pool.task.name,
        fingerprints={name: split.fingerprints() for name, split in answers.task.splits.items()},
        names=dict(asked),
        metric=fixed.metric,
        single=fixed.single.team[0],
        method=team.method if team else None,
        team=team.team if team else (),
        weights=team.weights if team else (),
        version=str(environment()["lrensemble"]),
    )


def _on(split: str, answers: Pool, base: Pool | None, choice: Choice, looks: int) -> OnBenchmark:
    """What is said of one test set, each benchmark for itself: the p-values are not adjusted yet."""
    reader, truth = SplitReader(answers, split), np.asarray(answers.truth(split))
    said = {name: reader.whole(Predictor((name,))) for name in choice.names}
    single = said[choice.single]
    team = reader.whole(Predictor(choice.team, choice.weights, choice.consensus)) if choice.team else None
    gain = {} if team is None else gains(team, single, truth, metrics=METRICS)
    alone = None
    if base is not None:
        (member,) = base.members()
        alone = scores(SplitReader(base, split).whole(Predictor((member.id,))), truth)
    counts = answers.choices(split)
    return OnBenchmark(
        questions=len(truth),
        chance=1 / answers.task.target.width if counts is None else float((1 / counts).mean()),
        base=alone,
        single=scores(single, truth),
        team=None if team is None else scores(team, truth),
        members={name: scores(own, truth) for name, own in said.items()},
        gain=gain,
        adjusted_p={metric: each.p_value for metric, each in gain.items()},
        looks=looks,
        text="",
    )


def _adjusted(found: Mapping[str, OnBenchmark]) -> dict[str, OnBenchmark]:
    """The same with p-values adjusted for the number of benchmarks, and with their sentences."""
    by_metric = {
        metric: dict(zip(found, holm([each.gain[metric].p_value for each in found.values()]), strict=True))
        for metric in METRICS
        if all(metric in each.gain for each in found.values())
    }
    complete = {}
    for name, each in found.items():
        own = each.model_copy(update={"adjusted_p": {metric: values[name] for metric, values in by_metric.items()}})
        complete[name] = own.model_copy(update={"text": sentence(name, own)})
    return complete
