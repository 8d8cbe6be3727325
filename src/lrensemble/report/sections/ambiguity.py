"""Values: what the spread of members gains over them, team by team, and how the error falls with the team."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table
from lrensemble.report.sections.diversity import PATH, teams_of
from lrensemble.report.sections.figures_of_teams import against, by_size, greedy_figure
from lrensemble.spec import to_spec

MEANS = ("mean", "mixture")
"""Consensus functions whose values are weighted means: there the decomposition is exact."""

ERROR = "val RMSE of the mean"
HOVER = "ambiguity %{x:.4g}<br>RMSE %{y:.4g}"


@dataclass(frozen=True)
class Decomposition:
    """Mean squared error of teams from the Gram matrix of the errors of members alone, whatever the number of rows."""

    gram: Floats
    """[member, member] mean over rows and outputs of the products of two members' errors."""

    @classmethod
    def of(cls, errors: Floats, weights: Floats | None) -> Decomposition:
        """The decomposition of errors [member, sample, output] on rows that count by weights [sample]."""
        times = np.ones(errors.shape[1]) if weights is None else weights
        scaled = errors * np.sqrt(times / (times.sum() * errors.shape[2]))[None, :, None]
        flat = scaled.reshape(len(errors), -1)
        return cls(flat @ flat.T)

    @cached_property
    def of_members(self) -> Floats:
        """Mean squared error [member]."""
        return self.gram.diagonal()

    def errors(self, shares: Floats) -> Floats:
        """Mean squared error [team] of the weighted means, for weights [team, member] that sum to one."""
        return np.asarray(np.einsum("tm,mn,tn->t", shares, self.gram, shares, optimize=True))

    def ambiguities(self, shares: Floats) -> Floats:
        """Weighted mean of the members' errors less that of the team [team] (Krogh & Vedelsby 1995): never negative."""
        return np.asarray(shares @ self.of_members - self.errors(shares))

    def greedy_path(self, steps: int = PATH) -> tuple[list[int], list[float]]:
        """Member that each step of plain greedy search adds, and the mean squared error of the mean after it."""
        added, losses = list[int](), list[float]()
        counts, members = np.zeros(len(self.gram)), np.eye(len(self.gram))
        for size in range(1, steps + 1):
            candidates = self.errors((counts + members) / size)
            added.append(int(candidates.argmin()))
            losses.append(float(candidates[added[-1]]))
            counts += members[added[-1]]
        return added, losses


def ambiguity(report: ReportData) -> Section | None:
    """Section on errors, ambiguity and size of teams of values, on val."""
    if report.sound.sum() < 2:
        return None
    said = np.stack([report.values_of(member, "val") for member in report.members])
    found = Decomposition.of(said - report.truth("val"), report.pool.weights("val"))
    masks, which = teams_of(report)
    shares = masks / masks.sum(axis=1, keepdims=True)
    errors, ambiguities = found.errors(shares), found.ambiguities(shares)
    added, losses = found.greedy_path()
    gained = 100 * ambiguities / np.maximum(errors + ambiguities, np.finfo(np.float64).tiny)
    return Section(
        "Diversity and size",
        [
            "The squared error of a mean of members is the mean of theirs less their ambiguity, the mean square of "
            "their distance from it (Krogh & Vedelsby 1995). All of it follows from the members' Gram matrix of "
            f"errors on val. {which} Ambiguity takes {gained.min():.1f} to {gained.max():.1f} % of the members' mean "
            "squared error."
        ],
        _of_teams(report, found),
        [
            against("ambiguity", ambiguities, np.sqrt(errors), masks, ("ambiguity", ERROR), HOVER),
            by_size(np.sqrt(found.of_members[report.sound]), masks, np.sqrt(errors), np.min, ERROR),
            greedy_figure(report, added, np.sqrt(losses).tolist(), "RMSE", ".4g"),
        ],
    )


def _of_teams(report: ReportData, found: Decomposition) -> list[Table]:
    """Table of the evaluated teams whose consensus is a weighted mean."""
    if report.judged is None:
        return []
    place = {member.id: i for i, member in enumerate(report.members)}
    rows = []
    for key, team in report.result.teams.items():
        if len(team.members) < 2 or to_spec(team.consensus).name not in MEANS:
            continue
        shares = np.zeros((1, len(place)))
        shares[0, [place[member] for member in team.members]] = team.weights
        error, gained = float(found.errors(shares)[0]), float(found.ambiguities(shares)[0])
        rows.append([key, str(len(team.members)), f"{error + gained:.5g}", f"{gained:.5g}", f"{error:.5g}"])
    headings = ["team", "size", "mean MSE of its members", "ambiguity", "MSE of the team"]
    return [Table(headings, rows, caption="Ambiguity decomposition on val, by the teams' own weights.")] if rows else []
