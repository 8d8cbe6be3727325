"""A study from its file to its comparison: pools trained, compared, and what was found written down."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from pathlib import Path

from lrensemble.config import Experiment
from lrensemble.config.study_file import Study, load_study
from lrensemble.errors import MissingExtraError
from lrensemble.evaluate.study import STUDY, Comparison, compare
from lrensemble.files import seal, write_whole
from lrensemble.report.compared.study import study_page
from lrensemble.spec import SpecLike
from lrensemble.studies.averaging import averager_of
from lrensemble.studies.pools import Pools, train_pools
from lrensemble.train import Event, tune

logger = logging.getLogger(__name__)

RESULT, PAGE = STUDY, "study.html"


def study(
    given: str | Path,
    out: Path | str,
    *,
    data: Path | str | None = None,
    device: str = "cpu",
    save_steps: int | None = None,
    execution: str = "auto",
    group_size: int | None = None,
    reproducible: bool = False,
    loggers: Sequence[SpecLike] = (),
    plugins: tuple[str, ...] = (),
) -> Comparison:
    """Train the pools of a study at equal cost, and compare them; the same call goes on where an earlier one stopped.

    ```python
    found = lrensemble.study("digits", "runs/studies/digits")
    print(found.claim)
    ```

    Args:
        given: the path of a study's TOML file, or the name of one that ships with the package.
        out: folder of `pools/`, `study.json` and `study.html`.
        data: folder of the data set's files, in place of the experiment's.
        device: as in `tune`, like the five that follow.
        save_steps: steps between two savings of a run's state.
        execution: how many runs are executed at once.
        group_size: members in one program at most.
        reproducible: whether the cores of the machine may not decide what is trained.
        loggers: who else is told what happens.
        plugins: modules beside those that the files name.

    Raises:
        ConfigError: no such study, a key or value that is refused, or pools of unequal cost.
        LREnsembleError: a name, argument, device, data set or folder that cannot be used, before any training.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, after the state was saved.
    """
    loaded = load_study(given, data=None if data is None else Path(data), plugins=plugins)

    def train(experiment: Experiment, folder: Path) -> Generator[Event, None, None]:
        return tune(
            experiment,
            folder,
            device=device,
            save_steps=save_steps,
            execution=execution,
            group_size=group_size,
            reproducible=reproducible,
            loggers=loggers,
        )

    events = train_pools(loaded, Path(out), train)
    while True:
        try:
            next(events)
        except StopIteration as end:
            return compared(loaded, end.value, Path(out), device=device)


def compared(study: Study, pools: Pools, out: Path, *, device: str = "cpu") -> Comparison:
    """Comparison of the pools of a study, written to `study.json`, and to `study.html` where plotly is installed.

    Raises:
        PoolError: pools over other rows, without test rows, or no pool with a member that can be chosen.
        StorageError: it cannot be written.
    """
    found = compare(pools, study.settings, averager=averager_of(study, device))
    write_whole(out / RESULT, seal(found.model_dump(mode="json")))
    try:
        study_page(found, out / PAGE)
    except MissingExtraError as error:
        logger.warning("%s", error)
    return found
