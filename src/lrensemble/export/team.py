"""From a pool's team to an ensemble: its networks, and what they take."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.config import Inputs, Network, Scale
from lrensemble.data.seen import are_unlike
from lrensemble.errors import ExportError
from lrensemble.evaluate import Team
from lrensemble.export.description import Description, Part
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.origin import origin_of
from lrensemble.pool import Member, Pool
from lrensemble.pool.member import WEIGHTS
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import to_spec


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
    networks = [_network(member) for member in members]
    inputs, own = _inputs(members)
    parts = tuple(
        Part(
            id=member.id,
            name=member.name,
            model=network.model,
            file=None if network.file is None else f"network.{place}.{network.file.partition('.')[2]}",
            gives=network.gives,
            inputs=each,
            form=member.form,
            scale=member.scale or Scale(),
            recipe=member.recipe,
        )
        for place, (member, network, each) in enumerate(zip(members, networks, own, strict=True))
    )
    description = Description(
        task=pool.task.name,
        target=pool.task.target,
        inputs=inputs,
        parts=parts,
        weights=team.weights,
        consensus=to_spec(team.consensus),
        method=team.method,
        origin=origin_of(pool, team),
    )
    source = str(pool.folder)
    names = [part.model for part in parts]
    require_known_paths(source, *names, description.consensus, trust_code=pool.trust_code)
    with known_paths_only(source, trust_code=pool.trust_code):
        weights = [member.weights() if member.has_weights else {} for member in members]
        files = [member.network_file() if part.file else None for member, part in zip(members, parts, strict=True)]
        return Ensemble.build(description, weights, files).with_faster_execution()


def _network(member: Member) -> Network:
    """How a member is run.

    Raises:
        ExportError: it has predictions only.
    """
    if member.adapter is not None:
        raise ExportError(
            f"member {member.id} ({member.name}) is an adapter of a language model, and this format is of networks "
            "that take arrays; serve the team as a language model"
        )
    network = member.network
    if network is None and member.recipe is not None:
        network = Network(model=to_spec(member.recipe["model"]))
    needed = WEIGHTS if network is None or network.file is None else network.file
    if network is None or needed not in member.files:
        raise ExportError(
            f"member {member.id} ({member.name}) has predictions only, and an ensemble needs the networks; "
            f"{_remedy(member)}"
        )
    return network


def _remedy(member: Member) -> str:
    if member.made_with is None:
        return "export a team of members that were trained here, or adopted with their networks"
    return (
        "its weights were dropped (`lrensemble slim`, or sweep.keep_weights): remove it "
        f"(`lrensemble rm POOL {member.id}`) and run the sweep again with a larger keep_weights, which trains it to "
        "the same bits; or export another team"
    )


def _inputs(members: Sequence[Member]) -> tuple[Inputs, list[Inputs | None]]:
    """Inputs of a team, and those of each member where they normalise theirs each in its way.

    Raises:
        ExportError: members that take inputs of different shapes, or do not say which.
    """
    known = [_known(member) for member in members]
    seen = next((each.seen for each in known if each.seen is not None), None)
    size = next((each.image_size for each in known if each.image_size is not None), None)
    resizes = [each.resize for each in known]
    same = size is None and all(each == resizes[0] for each in resizes)  # else none is that of all members
    _require_alike(members, known)
    features = _features(known)
    before = {"seen": seen, "image_size": size, "resize": resizes[0] if same else None, "features": features}
    given = [each.alone for each in known]
    if all(each == given[0] for each in given) and given[0].dtype != "float64":  # networks of torch take float32
        return given[0].model_copy(update=before), [None] * len(members)
    shape = given[0].shape
    for member, each in zip(members, given, strict=True):
        if each.shape != shape:
            raise ExportError(
                f"members {members[0].id} and {member.id} take inputs of {shape} and {each.shape}; "
                "export teams of one data set"
            )
    if not any(member.network for member in members):
        other = next(member for member, each in zip(members, given, strict=True) if each != given[0])
        raise ExportError(f"members {members[0].id} and {other.id} take different inputs; export teams of one data set")
    widest = max((each.dtype for each in given), key=("uint8", "float32", "float64").index)
    raw = Inputs(shape=shape, dtype=widest, mean=(0.0,) * shape[0], std=(1.0,) * shape[0])
    return raw.model_copy(update=before), list(given)


def _require_alike(members: Sequence[Member], known: Sequence[Inputs]) -> None:
    """Refuse adopted models that predicted the same rows in other inputs: one row of inputs serves them all here.

    Raises:
        ExportError: the first two that differ.
    """
    adopted = [(member, own) for member, own in zip(members, known, strict=True) if member.network is not None]
    for member, own in adopted[1:]:
        first, before = adopted[0]
        if own.shape == before.shape and are_unlike(before, own):
            raise ExportError(
                f"members {first.name} and {member.name} predicted other inputs of the same rows; adopt them with the "
                "inputs as they are, and say by mean and std how each is normalised"
            )


def _features(known: Sequence[Inputs]) -> tuple[str, ...] | None:
    """Names of the columns that all members take; None where no member has names.

    Raises:
        ExportError: members whose columns differ, in their names or in their order.
    """
    names = list(dict.fromkeys(each.features for each in known if each.features is not None))
    if len(names) > 1:
        first, second = (", ".join(each) for each in names[:2])
        raise ExportError(
            f"members take the columns {first}, and {second}, in these orders; export teams of one data set"
        )
    return names[0] if names else None


def _known(member: Member) -> Inputs:
    if member.inputs is None:
        raise ExportError(
            f"member {member.id} ({member.name}) does not say how its inputs are normalised: an earlier version of "
            "lrensemble trained it; train it again in a new pool"
        )
    return member.inputs
