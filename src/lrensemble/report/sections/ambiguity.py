"""Values: what the spread of members gains over them, team by team, and how the error falls with the team."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.report.escape import escape_html
from lrensemble.report.labels import whole_ticks
from lrensemble.report.look import COLOURS, SCALE, look_at
from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table
from lrensemble.report.sections.diversity import PATH, teams_of
from lrensemble.spec import to_spec

MEANS = ("mean", "mixture")
"""Consensus functions whose values are weighted means: there the decomposition is exact."""


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
            _scatter(masks, errors, ambiguities),
            _by_size(found.of_members[report.sound], masks, errors),
            _greedy(report, found),
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


def _scatter(masks: NDArray[np.bool_], errors: Floats, ambiguities: Floats) -> Figure:
    trace: dict[str, Any] = {
        "type": "scattergl",
        "mode": "markers",
        "x": ambiguities.tolist(),
        "y": np.sqrt(errors).tolist(),
        "marker": {
            "color": masks.sum(axis=1).tolist(),
            "colorscale": SCALE,
            "size": 5,
            "colorbar": whole_ticks("size", masks.sum(axis=1).tolist()),
        },
        "hovertemplate": "ambiguity %{x:.4g}<br>RMSE %{y:.4g}<br>%{marker.color} members<extra></extra>",
    }
    axes = {"xaxis": {"title": {"text": "ambiguity"}}, "yaxis": {"title": {"text": "val RMSE of the mean"}}}
    return Figure("ambiguity", [trace], axes, "Every point is a team.")


def _by_size(alone: Floats, masks: NDArray[np.bool_], errors: Floats) -> Figure:
    """Figure of the best and mean error of the mean over the teams of every size, beside members alone [member]."""
    sizes = np.concatenate([np.ones(len(alone), dtype=np.int64), masks.sum(axis=1)])
    roots = np.sqrt(np.concatenate([alone, errors]))
    known = np.unique(sizes)
    lines = (("best", np.min, look_at(2)), ("mean", np.mean, look_at(0)))
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": known.tolist(),
            "y": [float(statistic(roots[sizes == size])) for size in known],
            "line": {"color": look.colour, "dash": look.dash},
            "marker": {"symbol": look.symbol, "size": 8},
        }
        for name, statistic, look in lines
    ]
    axes = {"xaxis": {"title": {"text": "members"}}, "yaxis": {"title": {"text": "val RMSE of the mean"}}}
    return Figure("size", traces, axes, "The same teams by size, beside the members alone: best and mean.", small=True)


def _greedy(report: ReportData, found: Decomposition) -> Figure:
    added, losses = found.greedy_path()
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(1, len(losses) + 1)),
        "y": np.sqrt(losses).tolist(),
        "text": [escape_html(report.names[member]) for member in added],
        "line": {"color": COLOURS[0]},
        "hovertemplate": "%{x}: + %{text}<br>RMSE %{y:.4g}<extra></extra>",
    }
    axes = {"xaxis": {"title": {"text": "additions"}}, "yaxis": {"title": {"text": "val RMSE"}}}
    caption = "Greedy search on all val rows, step by step: optimistic, since it is chosen on them. Point to see whom."
    return Figure("greedy", [trace], axes, caption, small=True)
