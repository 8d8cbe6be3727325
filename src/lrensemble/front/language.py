"""Front door of teams of language models: from a pool or a folder to a team that scores and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrensemble.errors import ExportError
from lrensemble.export import chosen_team
from lrensemble.export.language import LanguageEnsemble, is_language_bundle
from lrensemble.export.language.pools.team import AdapterTeam, language_team_of
from lrensemble.export.language.questions.tasks import HarnessScores, evaluate_tasks
from lrensemble.front.paths import PathLike
from lrensemble.pool import Pool


def language_team(
    given: Pool | LanguageEnsemble | PathLike, *, base: PathLike | None = None, trust_code: bool = False
) -> LanguageEnsemble:
    """The team in a folder that `export` wrote, or the judged one of a pool of adapters.

    Args:
        given: a team, a pool, or the folder of either.
        base: where its base lies, where it lies elsewhere now.
        trust_code: whether a hub may be asked for the base, and code that is named be imported.

    Raises:
        ExportError: no team, or one of other members.
        SpecError, PoolError, UntrustedError, MissingExtraError: as what is read says.
    """
    if isinstance(given, LanguageEnsemble):
        return given
    where = None if base is None else Path(base)
    if not isinstance(given, Pool) and is_language_bundle(Path(given)):
        return LanguageEnsemble.load(Path(given), base=where, trust_code=trust_code)
    pool = given if isinstance(given, Pool) else Pool.open(Path(given), trust_code=trust_code)
    if pool.task.base is None:
        raise ExportError(f"{pool.folder} holds no adapters of a language model, and no team of such can be made of it")
    team = language_team_of(pool, chosen_team(pool), base=where)
    if not isinstance(team, AdapterTeam):
        raise ExportError(
            f"{pool.folder} holds whole language models, which share nothing, and no team of them is served; export "
            "one model of the mean of their weights: lrensemble export --format merged"
        )
    return team.load(trust_code=trust_code or base is not None)


def scores_by_harness(
    given: Pool | LanguageEnsemble | PathLike,
    tasks: Sequence[PathLike] | PathLike,
    *,
    base: PathLike | None = None,
    limit: int | None = None,
    shots: int | None = None,
    trust_code: bool = False,
) -> HarnessScores:
    """Scores of a team and of each of its members on tasks of lm-evaluation-harness.

    ```python
    scores_by_harness("pool", ["tasks/arc_easy.yaml"], limit=200).tasks["arc_easy"].team["acc"].value
    ```

    Args:
        given: a team, a pool of adapters, or the folder of either.
        tasks: names that the harness knows, `.yaml` files of tasks, or folders of such.
        base: where the base lies, where it lies elsewhere now.
        limit: questions of a task at most; all unless given.
        shots: solved examples before each question; as the task has it unless given.
        trust_code: whether a hub may be asked for the base, and code that is named be imported.

    Raises:
        ConfigError: an unknown task.
        DataError: a task whose rows cannot be had.
        ExportError, SpecError, PoolError, UntrustedError, MissingExtraError: as `language_team`; or no lm-eval.
    """
    listed = [tasks] if isinstance(tasks, str | Path) else list(tasks)  # type: ignore[arg-type]  # a path is no list
    team = language_team(given, base=base, trust_code=trust_code)
    return evaluate_tasks(team, [str(each) for each in listed], limit=limit, shots=shots)
