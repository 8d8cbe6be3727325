"""A pool as a study of Optuna in a journal file, which optuna-dashboard shows whatever the strategy was."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from lrensemble.errors import MissingExtraError, StorageError
from lrensemble.files import scratch_folder, write_whole
from lrensemble.files.refused import storage_errors
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Failure, Member, Pool
from lrensemble.report.report_data import ReportData
from lrensemble.report.sections.hyper_parameters import parameters_in, parameters_of, quietly, varying

LINE = 1 << 16
"""Bytes at the beginning of a file that are looked at."""

STATES = {"finished": "COMPLETE", "pruned": "PRUNED"}
"""States of trials by the status of a member; all others have failed."""


def write_study(pool: Pool, path: Path) -> int:
    """Write the members and failures of a pool as a study, and return the number of its trials.

    The value of a trial is its score on `val` by the metric that people know best, and its intermediate values are
    those of the epochs; numbers are not scaled.

    Args:
        pool: pool, finished or not.
        path: journal file of Optuna's, written anew.

    Raises:
        MissingExtraError: Optuna is not installed.
        PoolError: a member is damaged.
        StorageError: the file is another one's, or cannot be written.
    """
    _check_ours(path)
    try:
        optuna = import_module("optuna")
        storages = import_module("optuna.storages")
    except ImportError:
        raise MissingExtraError("a study needs Optuna; pip install 'lrensemble[search]'") from None
    report = ReportData(pool, None)
    runs: list[Member | Failure] = [*report.everybody, *pool.failures()]
    found = [parameters_of(run) for run in runs]
    names = varying(found)
    given = parameters_in(optuna, [{name: own[name] for name in names if name in own} for own in found])
    scores = {each.id: each.val.by(report.headline) for each in report.member_results if each.val is not None}
    with quietly(optuna), scratch_folder() as drafts:
        draft = drafts / "study.log"
        storage = storages.JournalStorage(storages.journal.JournalFileBackend(str(draft)))
        direction = "maximize" if higher_is_better(report.headline) else "minimize"
        title = f"{pool.task.name}, val {report.headline}"
        study = optuna.create_study(storage=storage, study_name=title, direction=direction)
        for run, parameters in zip(runs, given, strict=True):
            own = (
                _trial_fields(run, report.headline, scores.get(run.id))
                if isinstance(run, Member)
                else {"state": "FAIL"}
            )
            state = optuna.trial.TrialState[own.pop("state")]
            about = {"member": run.id, "name": run.name}
            study.add_trial(optuna.trial.create_trial(**parameters, **own, state=state, user_attrs=about))
        write_whole(path, draft.read_bytes())
    return len(runs)


def _check_ours(path: Path) -> None:
    """Refuse a file that is no study of Optuna's: it would be lost.

    Raises:
        StorageError: it is none, or cannot be read.
    """
    if not path.is_file():
        return
    with storage_errors("read", path), path.open("rb") as file:
        begins = file.readline(LINE)
    if begins and b'"op_code"' not in begins:
        raise StorageError(f"{path} is no study of Optuna's and would be lost; give another file")


def _trial_fields(member: Member, metric: str, score: float | None) -> dict[str, Any]:
    """State, value and intermediate values of a trial."""
    lines = member.history()
    course = {int(line["epoch"]): line[f"val_{metric}"] for line in lines if line.get(f"val_{metric}") is not None}
    state = STATES.get(member.status, "FAIL")
    if state == "COMPLETE" and score is None:
        state = "FAIL"
    value = score if state == "COMPLETE" else None
    return {"state": state, "value": value, "intermediate_values": course}
