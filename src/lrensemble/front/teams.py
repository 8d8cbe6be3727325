"""Front door of teams: `select` chooses them on `val`, `evaluate` judges them on test rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from lrensemble.consensus import CONSENSUS
from lrensemble.errors import ConfigError, SelectionError
from lrensemble.evaluate import (
    Procedure,
    Result,
    Team,
    cross_fitted_team,
    default_consensus,
    default_methods,
    default_metric,
    load,
    save,
    stale,
    stored_result,
    validation_of,
    why_not_chosen,
    write_result,
)
from lrensemble.evaluate import evaluate as measured
from lrensemble.evaluate.uncertainty.stored import foreign_sets
from lrensemble.front.paths import PathLike
from lrensemble.metrics import METRICS
from lrensemble.notebook import Shown
from lrensemble.pool import Pool
from lrensemble.select import Selection, Validation, check_method
from lrensemble.select import select as select_on
from lrensemble.spec import Spec, SpecLike
from lrensemble.text.counted import counted

logger = logging.getLogger(__name__)

Around = Callable[[str], AbstractContextManager[object]]
"""What a piece of work goes on within, by its name: a line of progress."""


@dataclass(frozen=True, repr=False)
class Teams(Shown, Sequence[Team]):
    """Teams by method, and the methods without a team."""

    teams: tuple[Team, ...]
    not_run: Mapping[str, str]
    """Reason why a method has no team, by method."""

    @overload
    def __getitem__(self, place: int) -> Team: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Team, ...]: ...
    def __getitem__(self, place: int | slice) -> Team | tuple[Team, ...]:
        return self.teams[place]

    def __len__(self) -> int:
        return len(self.teams)

    def __iter__(self) -> Iterator[Team]:
        return iter(self.teams)

    def _headline(self) -> str:
        """Number of teams, and the one with the highest score on `val`."""
        best = max(self.teams, key=lambda team: team.score)
        return f"{counted(len(self), 'team')}, best on val {best.method} ({best.metric} {best.score:.4f})"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each team."""
        shown = ("method", "metric", "score", "cross_fitted", "tried", "seconds")
        return [{"members": len(team), **{name: getattr(team, name) for name in shown}} for team in self.teams]


@overload
def select(
    given: Validation,
    method: SpecLike = "greedy",
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
) -> Selection: ...
@overload
def select(
    given: Pool | PathLike,
    method: SpecLike | Sequence[SpecLike] | None = None,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
    resamples: int = 0,
    trust_code: bool = False,
) -> Teams: ...
def select(
    given: Validation | Pool | PathLike,
    method: SpecLike | Sequence[SpecLike] | None = None,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
    resamples: int = 0,
    trust_code: bool = False,
) -> Teams | Selection:
    """Choose teams on the validation rows; those of a pool are stored in it, as `lrensemble select` does.

    ```python
    teams = lrensemble.select("pool", ["greedy", "top_k(k=5)"])
    selection = lrensemble.select(lrensemble.Validation(log_probs, labels))
    ```

    Args:
        given: a pool, or its folder; or the predictions of members and the truth, `Validation(log_probs, labels)`.
        method: a selector with its arguments, `greedy(size=25)`, or a list of several. Unless given, those of
            `lrensemble select` for a pool, and `greedy` for predictions.
        metric: what a team aims at; what suits the target and the members unless given.
        consensus: how members' predictions are combined; `mean`, or `mixture` of distributions, unless given.
        seed: seed of selectors that draw, of bootstraps and of folds.
        resamples: bootstrap resamples of the rows to choose again on, for the stability of a pool's team.
        trust_code: whether code that the pool names may be imported.

    Raises:
        SpecError: a name or an argument that is not known.
        SelectionError: no method has a team; the first says why.
        PoolError: there is no pool, or it is damaged.
    """
    if isinstance(given, Validation):
        if resamples or isinstance(method, list | tuple):
            raise ConfigError("resamples and several methods are for a pool; on predictions, give one method at a time")
        return select_on(given, method or "greedy", metric=metric, consensus=consensus, seed=seed)  # type: ignore[arg-type]
    pool = opened(given, trust_code)
    found = choose_all(pool, _listed(method, pool), metric=metric, consensus=consensus, seed=seed, resamples=resamples)
    for name, reason in found.not_run.items():
        logger.warning("not run, %s: %s", name, reason)
    return found


def _listed(method: SpecLike | Sequence[SpecLike] | None, pool: Pool) -> Sequence[SpecLike]:
    """Methods that were given, one or several; those of the pool by default."""
    if method is None:
        return default_methods(pool)
    return method if isinstance(method, list | tuple) else [method]  # type: ignore[list-item]  # no other sequence


def evaluate(
    pool: Pool | PathLike, out: PathLike | None = None, *, foreign: str | Sequence[str] = (), trust_code: bool = False
) -> Result:
    """Measure the stored teams of a pool on the rows of every test set, as `lrensemble evaluate` does.

    ```python
    result = lrensemble.evaluate("pool")
    result.verdict.text
    ```

    Args:
        pool: a pool, or its folder, with teams chosen by `select`.
        out: file of the result; `POOL/result.json` unless given.
        foreign: names of further test sets, or one, whose truth does not count: their rows are only told from those of
            test.
        trust_code: whether code that the pool names may be imported.

    Raises:
        PoolError: there is no pool, no team in it, or it is damaged.
        StorageError: the file cannot be written.
    """
    found = opened(pool, trust_code)
    names = [foreign] if isinstance(foreign, str) else foreign
    return evaluate_into(found, found.folder / "result.json" if out is None else Path(out), foreign=names)


def opened(given: Pool | PathLike, trust_code: bool = False) -> Pool:
    """A pool as it is, or the one in a folder.

    Raises:
        PoolError: there is none, or it is damaged.
    """
    return given if isinstance(given, Pool) else Pool.open(Path(given), trust_code=trust_code)


def check_names(methods: Sequence[SpecLike], metric: SpecLike | None, consensus: SpecLike | None) -> list[Spec]:
    """The methods as specs, all names and arguments checked.

    Raises:
        SpecError: a name or an argument that is not known.
    """
    if metric is not None:
        METRICS.check(metric)
    if consensus is not None:
        CONSENSUS.check(consensus)
    return [check_method(method) for method in methods]


def choose_all(
    pool: Pool,
    methods: Sequence[SpecLike],
    *,
    metric: SpecLike | None,
    consensus: SpecLike | None,
    seed: int,
    resamples: int = 0,
    around: Around = nullcontext,
) -> Teams:
    """Choose and store a team by each method; all names are checked before the first search.

    Raises:
        SelectionError: every method failed; the first one says why.
    """
    specs = check_names(methods, metric, consensus)
    pool = pool.still()  # a search takes long, and says positions
    validation = validation_of(pool)
    metric, consensus = metric or default_metric(pool), consensus or default_consensus(pool)
    teams, not_run = list[Team](), dict[str, str]()
    for spec in specs:
        with around(f"selecting: {spec}"):
            try:
                procedure = Procedure(method=spec, metric=metric, consensus=consensus, seed=seed)
                selection = select_on(validation, **procedure)
                team = cross_fitted_team(pool, validation, selection, procedure, resamples=resamples)
            except Exception as error:  # a row, and not the end
                not_run[str(spec)] = why_not_chosen(spec, error)
                continue
        save(pool, team)
        teams.append(team)
    if not teams:
        raise SelectionError(next(iter(not_run.values()), "no method was given; name one, such as greedy"))
    return Teams(tuple(teams), not_run)


def evaluate_into(
    pool: Pool,
    path: Path,
    not_run: Mapping[str, str] | None = None,
    *,
    again: bool = True,
    foreign: Sequence[str] = (),
    around: Around = nullcontext,
) -> Result:
    """Evaluate the pool's stored teams and write `result.json`.

    Without `again`, a stored result of the same members and teams is returned: test rows are not looked at once more.

    Raises:
        PoolError: all stored teams were chosen among other members.
    """
    pool = pool.still()
    teams = load(pool)
    outdated = {f"{path.stem} (stale)": reason for path, reason in stale(pool).items()}
    missing = {**(not_run or {}), **outdated}
    known = None if again else stored_result(pool, teams)
    if known is not None and known.not_run == missing and _has_foreign(known, pool):
        return known
    with around("evaluating"):
        result = measured(pool, teams, not_run=missing, foreign=foreign)
    write_result(result, path)
    return result


def _has_foreign(result: Result, pool: Pool) -> bool:
    """Whether a result has the foreign sets that the pool has now."""
    return result.uncertainty is None or foreign_sets(pool).keys() <= result.uncertainty.foreign.keys()
