"""The content of `benchmarks.json`: a team and single models on benchmarks, none of which was asked for the choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from lrensemble.config import Record
from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.result import Gain, Scores
from lrensemble.evaluate.verdict import p_clause, value_in_print
from lrensemble.files import seal, warn_once, write_whole
from lrensemble.notebook import Shown
from lrensemble.pool.sealed import unseal


class OnBenchmark(Record):
    """Scores on one benchmark, and the gain of the team there."""

    questions: int
    chance: float
    """Accuracy to expect of a guess."""
    base: Scores | None
    """Scores of the base alone; None where it was not asked."""
    single: Scores
    """Scores of the best single model."""
    team: Scores | None
    """Scores of the judged team; None where there is none."""
    members: dict[str, Scores]
    """Scores of every member, by id."""
    gain: dict[str, Gain]
    """Gain of the team over the best single model by `accuracy` and `nll`, on this benchmark alone."""
    adjusted_p: dict[str, float]
    """p-values of these gains, adjusted for the number of benchmarks (Holm 1979)."""
    looks: int
    """Number of looks at its rows, this one included."""
    text: str
    """What is to be said of it, in a sentence."""


class Choice(Record):
    """Who is judged; all of it was fixed on the `val` rows of the pool that the members were trained in."""

    task: str
    """Name of that pool's task."""
    fingerprints: dict[str, dict[str, str]]
    """SHA-256 of the questions and answers, by split of the pool of answers."""
    names: dict[str, str]
    """Names of all members that were asked, by id."""
    metric: str
    """Metric that best single model and team were chosen by."""
    single: str
    """Id of the best single model."""
    method: str | None
    """Method that chose the team; None where no team beats the best single model, or none was chosen."""
    team: tuple[str, ...] = Field(default=(), strict=False)
    """Ids of its members."""
    weights: tuple[float, ...] = Field(default=(), strict=False)
    consensus: str = "mean"
    """What is made of the members' answers: the weighted mean of the probabilities of the choices of a question."""
    version: str
    """Version of lrensemble."""


class Benchmarks(Shown, Record):
    """A team, the best single model and the base on every benchmark."""

    choice: Choice
    benchmarks: dict[str, OnBenchmark]
    """By name of the test set, as `arc_easy`."""
    environment: dict[str, object]

    def _headline(self) -> str:
        return " ".join(each.text for each in self.benchmarks.values())

    def _table(self) -> list[dict[str, Any]]:
        """One row for each benchmark: accuracies, the gain and its interval."""
        return [self._row(name, each) for name, each in self.benchmarks.items()]

    @staticmethod
    def _row(name: str, found: OnBenchmark) -> dict[str, Any]:
        row: dict[str, Any] = {"benchmark": name, "questions": found.questions, "chance": found.chance}
        for who in ("base", "single", "team"):
            scores: Scores | None = getattr(found, who)
            row[who] = None if scores is None else scores.accuracy
        if (gain := found.gain.get("accuracy")) is not None:
            row |= {"gain": gain.value, "low": gain.low, "high": gain.high, "adjusted_p": found.adjusted_p["accuracy"]}
        return row


def sentence(name: str, found: OnBenchmark) -> str:
    """One benchmark in words, by accuracy."""
    parts = [f"{name}: the best single model has {_percent(found.single)} of {found.questions:,} right"]
    parts.append(f"the base alone {_percent(found.base)}, a guess {100 * found.chance:.1f} %")
    gain = found.gain.get("accuracy")
    if gain is None or found.team is None:
        return "; ".join(parts) + "."
    low, high = (value_in_print("accuracy", end, unit=False) for end in (gain.low, gain.high))
    reliable = gain.reliable and found.adjusted_p["accuracy"] < 0.05
    kind = ("better" if gain.value > 0 else "worse") if reliable else "no reliable difference"
    parts[0] += f", the team {_percent(found.team)}"
    parts.append(
        f"gain {value_in_print('accuracy', gain.value)} (95 % interval {low} to {high}, adjusted "
        f"{p_clause(found.adjusted_p['accuracy'])}): {kind}"
    )
    return "; ".join(parts) + "."


def _percent(scores: Scores | None) -> str:
    return "–" if scores is None or scores.accuracy is None else f"{100 * scores.accuracy:.1f} %"


def write_judgement(found: Benchmarks, path: Path) -> None:
    """Write `benchmarks.json`, with a checksum.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(path, seal(found.model_dump(mode="json")))


def read_judgement(path: Path) -> Benchmarks:
    """What `write_judgement` wrote.

    Raises:
        PoolError: it is damaged, or of another format.
        StorageError: it is missing or cannot be read.
    """
    return unseal(Benchmarks, path)


def stored_judgement(path: Path, choice: Choice) -> Benchmarks | None:
    """A stored judgement of the very same choice on the same questions; None where there is none, or it is damaged."""
    if not path.is_file():
        return None
    try:
        found = read_judgement(path)
    except LREnsembleError as error:
        warn_once(f"{error}; it is not used")
        return None
    return found if found.choice == choice else None
