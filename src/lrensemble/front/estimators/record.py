"""What out-of-fold predictions say of the points of a grid and of the team."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from lrensemble.notebook import Shown


@dataclass(frozen=True)
class PointScore:
    """One point of the grid, judged on rows that its models had not seen."""

    name: str
    """Its parameters in a line."""
    parameters: Mapping[str, Any]
    score: float | None
    """By the metric, higher is better; None where it failed."""
    weight: float
    """Part in the team; zero of a point that is not in it."""
    seconds: float
    """Time of fitting and predicting, summed over folds."""
    failure: str = ""
    """Why it has no score."""


@dataclass(frozen=True, repr=False)
class OutOfFold(Shown, Sequence[PointScore]):
    """Scores of every point of the grid and of the team, on rows that the models had not seen."""

    points: tuple[PointScore, ...]
    metric: str
    rows: int
    """Predictions that each point was judged on."""
    unpredicted: int
    """Rows that no fold held out, which had no say."""
    team_score: float
    """By the metric, higher is better; optimistic, since the team was chosen by it."""
    cross_fitted: float | None
    """The team's score, where each row is judged by a team that was chosen without it; None of too few rows."""

    @overload
    def __getitem__(self, place: int) -> PointScore: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[PointScore, ...]: ...
    def __getitem__(self, place: int | slice) -> PointScore | tuple[PointScore, ...]:
        return self.points[place]

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[PointScore]:
        return iter(self.points)

    @property
    def best(self) -> PointScore:
        """The point with the highest score; of those that tie, the first."""
        return max((point for point in self.points if point.score is not None), key=lambda point: point.score or 0.0)

    def _headline(self) -> str:
        team = sum(point.weight > 0 for point in self.points)
        failed = sum(bool(point.failure) for point in self.points)
        cross_fitted = "" if self.cross_fitted is None else f" (cross-fitted {self.cross_fitted:.4f})"
        return (
            f"{self.metric}: team of {team} {self.team_score:.4f}{cross_fitted}, best single {self.best.score:.4f} "
            f"({self.best.name}), {len(self)} points" + (f", {failed} failed" if failed else "")
        )

    def _table(self) -> list[dict[str, Any]]:
        """One row for each point."""
        shown = ("name", "score", "weight", "seconds", "failure")
        return [{name: getattr(point, name) for name in shown} for point in self.points]
