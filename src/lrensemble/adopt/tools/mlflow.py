"""Adopter of runs and models that MLflow has logged, in a folder, a database or a tracking server."""

from __future__ import annotations

import logging
import os
import urllib.parse
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from lrensemble.adopt.flavours import is_model_folder, models_of
from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.inside import is_model, models_in
from lrensemble.adopt.logged import of_validation
from lrensemble.adopt.mlflow_store import SERVERS, is_store, opened, path_of, unreadable, uri_of
from lrensemble.adopt.parameters import value_of, with_arguments
from lrensemble.errors import AdoptError
from lrensemble.files import scratch_folder

logger = logging.getLogger(__name__)


def _takes(given: Any) -> bool:
    return isinstance(given, str | os.PathLike) and (is_model_folder(Path(given)) or is_store(Path(given)))


@ADOPTERS.register(takes=_takes, where="URI of the tracking store (sqlite:///mlflow.db, mlruns)", module="mlflow")
def mlflow(
    given: str | Path, asked: Asked, *, experiment: str | None = None, artifact: str | None = None
) -> list[Found]:
    """Finished runs of an experiment that logged a model, or the file of one.

    Parameters of a run are facts of the member, and arguments of the builder where it takes them; metrics of validation
    rows are compared with the scores here. Runs that did not finish, and such without a model, are left out and told.

    Args:
        given: URI of the tracking store or server, its folder, or the folder of one model.
        asked: what is known of the networks.
        experiment: name of the experiment, where there are several with runs.
        artifact: path of the file or folder in a run's artifacts, `model/model.pt`, or name of the logged model, where
            a run has several.

    Raises:
        AdoptError: no such store, experiment or artifact; a model that is a pickle.
        MissingExtraError: MLflow is not installed.
    """
    if is_model_folder(Path(given)):
        found = models_of(Path(given), asked)
        return [replace(each, name=asked.name or Path(given).resolve().name) for each in found]
    uri = uri_of(str(given))
    with opened(uri) as client, scratch_folder() as folder:
        home = _experiment(client, experiment, uri)
        runs = _finished(_all_runs(client, home.experiment_id), home.name)
        found, without = list[Found](), list[str]()
        for run in runs:
            places = _places(client, run, _Store(uri, folder / run.info.run_id, artifact))
            place = _one(places, artifact, run.info.run_name)
            if place is None:
                without.append(run.info.run_name)
            else:
                found += _members(client, run, home.name, place, asked)
        if without:
            logger.warning("experiment %s: runs without a model: %s", home.name, ", ".join(without[:10]))
        if not found:
            raise AdoptError(f"experiment {home.name} of {uri} has no finished run with a model that is known here")
        return found


def _members(client: Any, run: Any, experiment: str, place: Path, asked: Asked) -> list[Found]:
    """Members of what one run left."""
    name, given = run.info.run_name, {key: value_of(each) for key, each in run.data.params.items()}
    asked = replace(asked, name=name, builder=asked.builder and with_arguments(asked.builder, given))
    metrics = dict(run.data.metrics)
    took = (run.info.end_time - run.info.start_time) / 1000 if run.info.end_time else None
    return [
        replace(
            one,
            name=name,
            facts={**one.facts, **given, "run": run.info.run_id, "experiment": experiment},
            logged=of_validation(metrics) or metrics,
            history=one.history or _curves(client, run.info.run_id, metrics),
            seconds=took,
        )
        for one in (models_of(place, asked) if is_model_folder(place) else models_in(place, asked))
    ]


def _curves(client: Any, run: str, metrics: Mapping[str, float]) -> list[dict[str, object]]:
    """One record for each step of metrics that were logged several times."""
    steps: dict[int, dict[str, object]] = {}
    for name in metrics:
        points = client.get_metric_history(run, name)
        for point in points if len(points) > 1 else ():
            steps.setdefault(point.step, {"step": point.step})[name] = point.value
    return [steps[step] for step in sorted(steps)]


class _Store:
    """Where artifacts of a run are, and where they are brought to."""

    def __init__(self, uri: str, folder: Path, artifact: str | None) -> None:
        self.uri, self.folder, self.artifact = uri, folder, artifact

    def local(self, location: str, beside: str) -> Path:
        """Folder of artifacts on this disk.

        Args:
            location: URI or path that the store has.
            beside: path of the same in a store's folder, which may have been moved since.

        Raises:
            AdoptError: they are elsewhere, and nobody has asked to go there.
        """
        scheme = urllib.parse.urlparse(location).scheme
        if scheme in ("", "file"):
            moved = path_of(self.uri) / beside if self.uri.startswith("file:") else None
            return moved if moved is not None and moved.is_dir() else path_of(location)
        if not self.uri.startswith(SERVERS):
            raise AdoptError(
                f"artifacts are at {location}: a store on this disk sends nobody elsewhere; download them with mlflow "
                "artifacts download, and adopt the files"
            )
        self.folder.mkdir(exist_ok=True)
        fetched = import_module("mlflow.artifacts").download_artifacts(
            artifact_uri=location, dst_path=str(self.folder), tracking_uri=self.uri
        )
        return Path(fetched)


def _places(client: Any, run: Any, store: _Store) -> dict[str, Path]:
    """Files and folders of models that a run left, by the name under which they were logged."""
    info = run.info
    root = store.local(info.artifact_uri, f"{info.experiment_id}/{info.run_id}/artifacts")
    if store.artifact and (root / store.artifact).is_file() and _is_below(root, store.artifact):
        return {store.artifact: root / store.artifact}
    found = dict[str, Path]()
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if is_model_folder(here):
            found[here.relative_to(root).as_posix()] = here
            folders.clear()
            continue
        found |= {(here / name).relative_to(root).as_posix(): here / name for name in files if is_model(here / name)}
    outputs = getattr(run, "outputs", None)
    for output in outputs.model_outputs if outputs else ():
        logged = client.get_logged_model(output.model_id)
        if str(logged.status).endswith("READY"):
            beside = f"{info.experiment_id}/models/{output.model_id}/artifacts"
            found[logged.name] = store.local(logged.artifact_location, beside)
    return found


def _is_below(root: Path, name: str) -> bool:
    return (root / name).resolve().is_relative_to(root.resolve())


def _one(places: Mapping[str, Path], artifact: str | None, run: str) -> Path | None:
    """The one that is meant; None where there is none.

    Raises:
        AdoptError: several.
    """
    if artifact is not None:
        folder = artifact.rstrip("/") + "/"
        places = {name: each for name, each in places.items() if name == artifact or name.startswith(folder)}
    if len(places) > 1:
        raise AdoptError(f"run {run} has the models {', '.join(sorted(places)[:10])}; say which: artifact=NAME")
    return next(iter(places.values()), None)


def _finished(runs: list[Any], experiment: str) -> list[Any]:
    """Runs that finished, the first to begin first; the others are told."""
    others = [f"{run.info.run_name} ({run.info.status.lower()})" for run in runs if run.info.status != "FINISHED"]
    if others:
        logger.warning("experiment %s: runs that did not finish are left out: %s", experiment, ", ".join(others[:10]))
    return [run for run in runs if run.info.status == "FINISHED"]


def _all_runs(client: Any, experiment: str) -> list[Any]:
    found, token = list[Any](), None
    while True:
        page = client.search_runs([experiment], order_by=["attributes.start_time ASC"], page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _experiment(client: Any, name: str | None, uri: str) -> Any:
    """The experiment of that name, or the only one that has runs.

    Raises:
        AdoptError: there is none, or it is not clear which.
    """
    try:
        known = {each.name: each for each in client.search_experiments()}
        if name is None:
            known = {
                key: each for key, each in known.items() if client.search_runs([each.experiment_id], max_results=1)
            }
    except Exception as error:  # whatever a server or a database raises
        raise unreadable(uri, error) from None
    listed = ", ".join(sorted(known)[:10]) or "none"
    if name is not None and str(name) not in known:
        raise AdoptError(f"{uri} has no experiment {str(name)!r}; it has {listed}")
    if name is None and not known:
        raise AdoptError(f"{uri} has no experiment with runs; give the store that has them")
    if name is None and len(known) != 1:
        raise AdoptError(f"{uri} has the experiments {listed} with runs; say which: experiment=NAME")
    return known[str(name)] if name is not None else next(iter(known.values()))
