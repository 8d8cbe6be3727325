"""Front door of benchmarks: `benchmark` asks the language models of a pool, and judges its team by what they say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrensemble.config import BenchmarkSettings, Experiment, to_record
from lrensemble.data.source import need_folder
from lrensemble.evaluate import load
from lrensemble.evaluate.benchmarks import Benchmarks, judge_benchmarks, write_judgement
from lrensemble.evaluate.selections import stored_teams
from lrensemble.front.paths import PathLike
from lrensemble.front.teams import opened
from lrensemble.language.benchmarks import Benchmark, read_benchmarks
from lrensemble.pool import Pool
from lrensemble.registry import known_paths_only
from lrensemble.spec import Spec, SpecLike, to_spec
from lrensemble.train.execution.devices import to_devices

logger = logging.getLogger(__name__)

FILE = "benchmarks.json"


def benchmark(
    pool: Pool | PathLike,
    names: SpecLike | Sequence[SpecLike],
    out: PathLike | None = None,
    *,
    data: PathLike | None = None,
    shots: int = 0,
    val_rows: int | None = None,
    test_rows: int | None = None,
    normalisation: str | None = None,
    device: str = "cpu",
    trust_code: bool = False,
) -> Benchmarks:
    """Ask a pool's language models multiple-choice questions, and judge its team there, as `lrensemble benchmark` does.

    ```python
    found = lrensemble.benchmark("pool", ["arc_easy", "openbookqa"], data="data/mcq")
    found.benchmarks["arc_easy"].text
    ```

    Team and best single model are those of the pool's own `val` rows. Who was asked before is not asked again.

    Args:
        pool: a pool of language models, or its folder.
        names: benchmarks with their arguments, `mmlu(by_subject=true)`.
        out: folder of the answers, `benchmarks/` and `benchmarks-base/`, and of `benchmarks.json`; beside the pool
            unless given.
        data: folder of the benchmarks' files; the Hugging Face hub is asked unless given.
        shots: solved examples before each question.
        val_rows: validation questions of each benchmark at most, drawn by a hash of their ids; all unless given.
        test_rows: the same of each of its test sets.
        normalisation: how answers are compared: `sum`, `characters`, `tokens` or `unconditional`; as each benchmark
            states unless given.
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto`.
        trust_code: whether code that the pool names may be imported, and a hub asked for its base.

    Raises:
        ConfigError: a pool of other than language models, or an option that is refused.
        SpecError, UnknownNameError: a benchmark that is not known, or a base that is not where it was.
        PoolError: there is no pool, or the answers to other questions lie in the way.
        DataError: questions that cannot be had.
        StorageError: a file cannot be written.
    """
    listed = [names] if isinstance(names, str | Spec) else list(names)  # type: ignore[arg-type]
    given = {"shots": shots, "val_rows": val_rows, "test_rows": test_rows, "normalisation": normalisation}
    content = {"names": [to_spec(name) for name in listed], "folder": None if data is None else Path(data), **given}
    questions = questions_of(to_record(BenchmarkSettings, content, "benchmarks"))
    found = opened(pool, trust_code)
    with known_paths_only(str(found.folder), trust_code=trust_code or isinstance(pool, Pool)):
        return benchmark_into(found, questions, folder_of(found, out), device=device)


@dataclass(frozen=True)
class Questions:
    """Questions that were read, and how their answers are compared."""

    benchmarks: tuple[Benchmark, ...]
    settings: BenchmarkSettings


def questions_of(settings: BenchmarkSettings, data: Path | None = None) -> Questions:
    """The questions of `[benchmarks]`.

    Args:
        settings: what is asked.
        data: folder of the experiment's data, where the settings have none of their own.

    Raises:
        UnknownNameError, SpecError, DataError: as `read_benchmarks` does.
    """
    folder = settings.folder or data
    found = read_benchmarks(
        settings.names, folder, shots=settings.shots, val_rows=settings.val_rows, test_rows=settings.test_rows
    )
    return Questions(found, settings)


def questions_of_experiment(experiment: Experiment) -> Questions | None:
    """The questions of an experiment, read before anything is trained; None where it asks none.

    Raises:
        UnknownNameError, SpecError, DataError: as `questions_of`; or a folder is missing that the training needs too:
            a hub is not asked for questions in place of it.
    """
    if experiment.benchmarks is None:
        return None
    source, folder = experiment.data.source, experiment.data.folder
    if "file" in source.arguments:
        need_folder(folder, source.name, str(source.arguments["file"]))
    return questions_of(experiment.benchmarks, folder)


def folder_of(pool: Pool, out: PathLike | None) -> Path:
    """Where answers and `benchmarks.json` lie: beside the pool unless given."""
    return pool.folder.resolve().parent if out is None else Path(out)


def benchmark_into(pool: Pool, questions: Questions, out: Path, *, device: str = "cpu") -> Benchmarks:
    """Ask whom nobody has asked, judge, and write `benchmarks.json`.

    A stored judgement of the same is returned: test rows are not looked at once more. Raises as `benchmark` does.
    """
    from lrensemble.export.language.asking import ask_members  # imported here: a second that `run` does without

    asked = ask_members(
        pool,
        questions.benchmarks,
        out,
        normalisation=questions.settings.normalisation,
        device=to_devices(device)[0],
    )
    teams = load(pool) if stored_teams(pool) else ()
    found = judge_benchmarks(pool, teams, asked.answers, asked.base, known=out / FILE)
    write_judgement(found, out / FILE)
    return found
