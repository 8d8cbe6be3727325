"""From a pool to an ensemble: the judged team, and its networks."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.config import Inputs, Scale
from lrensemble.errors import ExportError
from lrensemble.evaluate import Team, judged, load
from lrensemble.export.description import Description, Part
from lrensemble.export.ensemble import Ensemble
from lrensemble.pool import Member, Pool
from lrensemble.pool.member import WEIGHTS
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import Spec, to_spec


def chosen_team(pool: Pool, method: str | None = None) -> Team:
    """The stored team that the verdict judges, or the one of a method.

    Where no team beats the best single model, that model stands for it, as a team of one.

    Args:
        pool: pool with stored teams.
        method: method in text form; a bare name also means that method with any arguments.

    Raises:
        SpecError: the method cannot be read.
        ExportError: no team, or none of that method.
    """
    teams = load(pool)
    if not teams:
        raise ExportError(f"{pool.folder} has no chosen team; choose some first: lrensemble select {pool.folder}")
    if method is None:
        first = judged(pool, teams)[0]
        return first.team or first.single
    found = [team for team in teams if _is_by(team, method)]
    if not found:
        known = ", ".join(dict.fromkeys(team.method for team in teams))
        raise ExportError(f"{pool.folder} has no team by {method!r}; it has {known}; others: lrensemble select -m")
    first = judged(pool, found)[0]
    return first.team or found[0]


def _is_by(team: Team, method: str) -> bool:
    wanted, own = to_spec(method), to_spec(team.method)
    return wanted == own or (not wanted.arguments and wanted.name == own.name)


def ensemble_of(pool: Pool, team: Team) -> Ensemble:
    """Ensemble of a team, with the execution of its members that is faster on this machine.

    Raises:
        ExportError: a member without its network, or members that take different inputs.
        UntrustedError: a model that is code, or a checkpoint of a hub, and is not trusted.
        SpecError: a model that is not known here.
        PoolError: a file that is missing or damaged.
    """
    by_id = {member.id: member for member in pool.members()}
    members = [by_id[name] for name in team.team]
    parts = tuple(
        Part(
            id=member.id,
            name=member.name,
            model=_model(member),
            form=member.form,
            scale=member.scale or Scale(),
        )
        for member in members
    )
    description = Description(
        task=pool.task.name,
        target=pool.task.target,
        inputs=_inputs(members),
        parts=parts,
        weights=team.weights,
        consensus=to_spec(team.consensus),
        method=team.method,
    )
    source = str(pool.folder)
    names = [part.model for part in parts]
    require_known_paths(source, *names, description.consensus, trust_code=pool.trust_code)
    with known_paths_only(source, trust_code=pool.trust_code):
        return Ensemble.build(description, [member.weights() for member in members]).with_faster_execution()


def _model(member: Member) -> Spec:
    if member.adapter is not None:
        raise ExportError(
            f"member {member.id} ({member.name}) is an adapter of a language model, and this format is of networks "
            "that take arrays; serve the team as a language model"
        )
    if WEIGHTS not in member.files or member.recipe is None:
        raise ExportError(
            f"member {member.id} ({member.name}) has predictions only, and an ensemble needs the networks; "
            f"{_remedy(member)}"
        )
    return to_spec(member.recipe["model"])


def _remedy(member: Member) -> str:
    if member.made_with is None:
        return "export a team of members that were trained here"
    return (
        "its weights were dropped (`lrensemble slim`, or sweep.keep_weights): remove it "
        f"(`lrensemble rm POOL {member.id}`) and run the sweep again with a larger keep_weights, which trains it to "
        "the same bits; or export another team"
    )


def _inputs(members: Sequence[Member]) -> Inputs:
    first = members[0]
    if first.inputs is None:
        raise ExportError(
            f"member {first.id} ({first.name}) does not say how its inputs are normalised: an earlier version of "
            "lrensemble trained it; train it again in a new pool"
        )
    for member in members[1:]:
        if member.inputs != first.inputs:
            raise ExportError(f"members {first.id} and {member.id} take different inputs; export teams of one data set")
    return first.inputs
