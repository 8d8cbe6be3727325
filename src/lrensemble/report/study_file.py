"""A pool as a study of Optuna in a journal file, which optuna-dashboard shows whatever the strategy was."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

from lrensemble.errors import MissingExtraError, StorageError
from lrensemble.files import scratch_folder, write_whole
from lrensemble.files.refused import storage_errors
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Failure, Member, Pool
from lrensemble.report.course import course_of
from lrensemble.report.report_data import ReportData
from lrensemble.report.sections.hyper_parameters import parameters_in, parameters_of, quietly, varying

logger = logging.getLogger(__name__)

NAME = "study.log"
"""Name of the file beside a page."""

MEMBER = "member"
"""Attribute of a trial with the id of its member, by which a study of ours is known."""

OTHERS = "holds studies that are not of a pool's members; give another file"

STATES = {"finished": "COMPLETE", "pruned": "PRUNED"}
"""States of trials by the status of a member; all others have failed."""


def keep_beside(pool: Pool, page: Path) -> Path | None:
    """Keep the study of a pool beside its page, as `study.log`: optuna-dashboard opens any pool that has a page.

    Returns:
        The file; None where Optuna is not installed, or it cannot be written: the page is there, and good without it.
    """
    path = page.with_name(NAME)
    try:
        write_study(pool, path)
    except MissingExtraError:
        return None
    except Exception as error:  # of a by-product, whatever Optuna raises: it shall not end what has been paid for
        logger.warning("no study of Optuna's beside %s: %s", page, " ".join(str(error).split()) or type(error).__name__)
        return None
    return path


def write_study(pool: Pool, path: Path) -> int:
    """Write the members and failures of a pool as a study, and return the number of its trials.

    The value of a trial is its score on `val` by the metric that people know best, and its intermediate values are
    those of the epochs; numbers are not scaled. Of a file that holds the study already, what was there stays as the
    beginning of the new one, so that whoever reads it goes on where it was.

    Args:
        pool: pool, finished or not.
        path: journal file of Optuna's.

    Raises:
        MissingExtraError: Optuna is not installed.
        PoolError: a member is damaged.
        StorageError: the file is another one's, or cannot be written.
    """
    try:
        optuna = import_module("optuna")
        import_module("optuna.storages")
    except ImportError:
        raise MissingExtraError("a study needs Optuna; pip install 'lrensemble[search]'") from None
    before = _ours_before(path)
    report = ReportData(pool, None)
    with quietly(optuna), scratch_folder() as drafts:
        trials = _trials(optuna, report)
        draft = drafts / NAME
        draft.write_bytes(before)
        try:
            _bring_up(optuna, draft, report, trials)
        except (KeyError, ValueError) as error:  # of Optuna: what it cannot read
            raise StorageError(f"{path} is damaged ({error}); remove it, and it is written anew") from error
        except _OthersError:
            raise StorageError(f"{path} {OTHERS}") from None
        if (content := draft.read_bytes()) != before:
            write_whole(path, content)
    return len(trials)


class _OthersError(Exception):
    """A journal has studies that are not of a pool's members."""


def _trials(optuna: Any, report: ReportData) -> list[Any]:
    """A trial for every member and failure of a pool."""
    runs: list[Member | Failure] = [*report.everybody, *report.pool.failures()]
    found = [parameters_of(run) for run in runs]
    # Ranges are as wide as the sweep may come to be: an open dashboard keeps its study as members arrive.
    declared = [{name: value} for name, values in course_of(report.pool).declared.items() for value in values]
    names = varying([*found, *declared])
    given = parameters_in(optuna, [{name: own[name] for name in names if name in own} for own in [*found, *declared]])
    scores = {each.id: each.val.by(report.headline) for each in report.member_results if each.val is not None}
    trials = []
    for run, parameters in zip(runs, given[: len(runs)], strict=True):
        fields: dict[str, Any] = {"state": "FAIL"}
        if isinstance(run, Member):
            fields = _trial_fields(run, report.headline, scores.get(run.id))
        state = optuna.trial.TrialState[fields.pop("state")]
        about = {MEMBER: run.id, "name": run.name}
        trials.append(optuna.trial.create_trial(**parameters, **fields, state=state, user_attrs=about))
    return trials


def _bring_up(optuna: Any, draft: Path, report: ReportData, trials: list[Any]) -> None:
    """Add to a journal what is missing in it; where a trial is another now, or gone, the study begins again.

    Raises:
        _OthersError: it has studies of others.
    """
    storages = optuna.storages
    storage = storages.JournalStorage(storages.journal.JournalFileBackend(str(draft)))
    title = f"{report.pool.task.name}, val {report.headline}"
    known: dict[str, str] | None = None
    for name in optuna.get_all_study_names(storage):
        own = optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
        if any(MEMBER not in trial.user_attrs for trial in own):
            raise _OthersError
        if name == title:
            known = {trial.user_attrs[MEMBER]: _essence(trial) for trial in own}
        else:  # of the pool as it was, by another metric
            optuna.delete_study(study_name=name, storage=storage)
    now = {trial.user_attrs[MEMBER]: _essence(trial) for trial in trials}
    if known is not None and any(now.get(member) != essence for member, essence in known.items()):
        optuna.delete_study(study_name=title, storage=storage)
        known = None
    if known is None:
        direction = "maximize" if higher_is_better(report.headline) else "minimize"
        study = optuna.create_study(storage=storage, study_name=title, direction=direction)
    else:
        study = optuna.load_study(study_name=title, storage=storage)
    study.add_trials([trial for trial in trials if known is None or trial.user_attrs[MEMBER] not in known])


def _essence(trial: Any) -> str:
    """What a trial says, as text: NaN is itself in it."""
    said = sorted(trial.params.items()), sorted(trial.distributions.items()), sorted(trial.intermediate_values.items())
    return repr((trial.state.name, trial.values, *said))


def _ours_before(path: Path) -> bytes:
    """Content of a file that is there already, and nothing of one that is not.

    Raises:
        StorageError: there is no folder for it, it is no study of Optuna's and would be lost, or cannot be read.
    """
    if not path.parent.is_dir():
        raise StorageError(f"there is no folder {path.parent} for {path.name}; make it, or give another file")
    with storage_errors("read", path):
        if path.is_dir():
            raise StorageError(f"{path} is a folder; give a file, {path / NAME} say")
        content = path.read_bytes() if path.exists() else b""
    if content and b'"op_code"' not in content.partition(b"\n")[0]:
        raise StorageError(f"{path} is no study of Optuna's and would be lost; give another file")
    return content


def _trial_fields(member: Member, metric: str, score: float | None) -> dict[str, Any]:
    """State, value and intermediate values of a trial."""
    lines = member.history()
    course = {int(line["epoch"]): line[f"val_{metric}"] for line in lines if line.get(f"val_{metric}") is not None}
    state = STATES.get(member.status, "FAIL")
    if state == "COMPLETE" and score is None:
        state = "FAIL"
    value = score if state == "COMPLETE" else None
    return {"state": state, "value": value, "intermediate_values": course}
