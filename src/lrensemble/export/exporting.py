"""The way from a pool's team to a file or a folder, whatever its members are."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import lrensemble.export.language.pools.formats  # noqa: F401  (registers what it defines)
from lrensemble.errors import ExportError, StorageError
from lrensemble.evaluate import Team
from lrensemble.evaluate.looks import described, write_look
from lrensemble.export import onnx, team_file, torch_program  # noqa: F401  (register what they define)
from lrensemble.export.cascade import measure
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.formats import FORMATS, Kind, check_place, require_kind
from lrensemble.export.language.pools.scored import nll_on_val
from lrensemble.export.language.pools.team import AdapterTeam, is_whole, language_team_of
from lrensemble.export.language.pools.whole import WholeTeam
from lrensemble.export.team import ensemble_of
from lrensemble.export.variants import VARIANTS, Variant, figures_of
from lrensemble.pool import Pool
from lrensemble.spec import Spec

logger = logging.getLogger(__name__)

Served = Ensemble | AdapterTeam | WholeTeam


@dataclass(frozen=True)
class Made:
    """What was written, and what is known of it."""

    ensemble: Served
    figures: dict[str, object] = field(default_factory=dict)
    """Figures of a cheaper variant, or of a format that loses something, by name, ready for JSON."""

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members."""
        described = self.ensemble.description
        if isinstance(self.ensemble, Ensemble):
            return tuple(part.name for part in self.ensemble.description.parts)
        return getattr(described, "names", ())


def kind_of(pool: Pool, team: Team) -> Kind:
    """What a team is of."""
    if pool.task.base is None:
        return "networks"
    by_id = {member.id: member for member in pool.members()}
    return "models" if all(is_whole(by_id[name]) for name in team.team) else "adapters"


def place_of(pool: Pool, written_as: Spec, made_as: Spec) -> Path:
    """Where an ensemble lies by default: beside its pool."""
    name = "ensemble" if made_as.name == "team" else made_as.name
    suffix = FORMATS.facts(written_as).suffix
    is_folder = pool.task.base is not None  # whatever is written of language models
    return pool.folder.resolve().parent / f"{name}{'' if is_folder and suffix.startswith('.') else suffix}"


def write_ensemble(
    pool: Pool,
    team: Team,
    written_as: Spec,
    made_as: Spec,
    place: Path,
    *,
    data: Path | None = None,
    base: Path | None = None,
    consensus: str | None = None,
) -> Made:
    """Make a variant of a team and write it in a format.

    Args:
        pool: that the team was chosen from.
        team: chosen.
        written_as: a format.
        made_as: a variant.
        place: where nothing is yet.
        data: folder of the data set's files, for variants that need them, and to score one model in place of a team.
        base: of language models, where their base lies now.
        consensus: of language models, how they speak as one; as it was scored unless given.

    Raises:
        ExportError: a format or a variant for other teams, members without what it needs, or something at the place.
        SpecError, PoolError, UntrustedError, MissingExtraError: as what makes them does.
        StorageError: it cannot be written.
    """
    kind = kind_of(pool, team)
    require_kind(FORMATS, written_as.name, kind)
    require_kind(VARIANTS, made_as.name, kind)
    check_place(place)
    if kind != "networks":
        served = language_team_of(pool, team, base=base, consensus=consensus)
        found = FORMATS.call(written_as, served, place)
        if found is None or data is None:
            return Made(served, dict(found or {}))
        return Made(served, {**found, "val_nll": nll_on_val(pool, team, place, data, served.description.base)})
    if base is not None or consensus is not None:
        raise ExportError("a base and a consensus can be named for teams of language models alone; leave them out")
    made = VARIANTS.call(made_as, ensemble_of(pool, team), pool, data)
    known = {"variant": made_as.name, "figures": made.figures}
    made.ensemble.description = made.ensemble.description.model_copy(update=known)
    FORMATS.call(written_as, made.ensemble, place)
    return Made(made.ensemble, {**made.figures, **_on_test(pool, team, made)})


def _on_test(pool: Pool, team: Team, made: Variant) -> dict[str, object]:
    """Figures of a cascade on test, which is a look at it; none where the look cannot be written down."""
    if made.ensemble.description.stages is None or "test" not in pool.task.splits:
        return {}
    try:
        write_look(pool, [described(made.what, team.metric, team.consensus, team.team)], ["test"])
    except StorageError as error:
        logger.warning("test is not looked at, since the look cannot be written down: %s", error)
        return {}
    found = measure(made.ensemble, pool)
    return {"test": figures_of(found), "reaches_team": found.reaches_team}
