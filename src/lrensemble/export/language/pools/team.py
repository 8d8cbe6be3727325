"""From a pool of adapters to a team that is served: which adapters with which weights, and how they speak as one.

Nothing of the base is loaded here: a pool refers to its base, and so does what is exported of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from lrensemble.config import Base
from lrensemble.errors import ExportError, SpecError
from lrensemble.evaluate import Team
from lrensemble.export.language.adapters import Adapter, adapter_of
from lrensemble.export.language.alone import dtype_of
from lrensemble.export.language.bundle import write_language_bundle
from lrensemble.export.language.consensus import check_consensus
from lrensemble.export.language.description import LanguageDescription
from lrensemble.export.language.ensemble import LanguageEnsemble
from lrensemble.export.language.pools.whole import WholeTeam
from lrensemble.export.origin import origin_of
from lrensemble.language.base import base_of
from lrensemble.language.source import TEXTS
from lrensemble.language.speaking import Consensus, spoken
from lrensemble.language.templates import TEMPLATES
from lrensemble.models import MODELS
from lrensemble.pool import Member, Pool
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import Spec, to_spec


@dataclass(frozen=True, eq=False)
class AdapterTeam:
    """A team of adapters, read from its pool; its base is referred to and not loaded."""

    description: LanguageDescription
    adapters: tuple[Adapter, ...]
    source: str
    """Folder of the pool, for messages."""
    trust_code: bool = False
    """Whether a hub may be asked for the base."""

    def save(self, folder: Path | str) -> None:
        """Write the folder that `LanguageEnsemble.load` reads.

        Raises:
            ExportError: there is something in the folder already.
            StorageError: it cannot be written.
        """
        write_language_bundle(Path(folder), self.description, self.adapters)

    def load(
        self, *, device: str | torch.device = "cpu", dtype: torch.dtype | None = None, trust_code: bool | None = None
    ) -> LanguageEnsemble:
        """The team on its base, ready to predict.

        Raises:
            ExportError, SpecError, UntrustedError, MissingExtraError: as `LanguageEnsemble` does.
        """
        trusted = self.trust_code if trust_code is None else trust_code
        with known_paths_only(self.source, trust_code=trusted):
            return LanguageEnsemble(self.description, self.adapters, device=device, dtype=dtype)


def language_team_of(
    pool: Pool, team: Team, *, base: Path | str | None = None, consensus: str | None = None
) -> AdapterTeam | WholeTeam:
    """A team of a pool of language models, by the weights of its selection; members without weight are left out.

    Args:
        pool: of adapters of one base, or of models that were trained as a whole.
        team: chosen from it.
        base: where the base lies now; where it lay when the pool was made unless given.
        consensus: how members speak as one; as it was scored unless given.

    Raises:
        ExportError: adapters beside whole models, members whose weights were not kept, or a consensus that is none.
        SpecError: a base of other weights.
        PoolError: a file that is missing or damaged.
        UntrustedError: a template that is code, and is not trusted.
    """
    members, shares = _members_of(pool, team)
    whole = [member for member in members if is_whole(member)]
    for member in members:
        _require_weights(pool, member)
    if whole and len(whole) < len(members):
        raise ExportError(
            f"member {whole[0].id} ({whole[0].name}) is a whole model, and others of the team are adapters; choose a "
            "team of one kind"
        )
    description = LanguageDescription(
        base=moved(_base_of(pool), base),
        names=tuple(member.name for member in members),
        weights=shares,
        consensus=_consensus(pool, team, consensus),
        method=team.method,
        template=template_of(pool, members),
        dtype=dtype_of(members),
        origin=origin_of(pool, team),
    )
    if whole:
        return WholeTeam(description, tuple(members), str(pool.folder), pool.trust_code)
    adapters = [adapter_of(each.folder, each.adapter or {}, each.weights()) for each in members]
    # That they are adapters of the pool's base is known by its hash; where that lay, something else may lie now.
    own = tuple(replace(each, base=None) for each in adapters)
    return AdapterTeam(description, own, str(pool.folder), pool.trust_code)


def is_whole(member: Member) -> bool:
    """Whether a member is a language model that was trained as a whole."""
    if member.adapter is not None or member.recipe is None:
        return False
    model = to_spec(member.recipe["model"])
    return MODELS.facts(model).sequences and model.name != "lora"  # one that lost its adapter has predictions alone


def _members_of(pool: Pool, team: Team) -> tuple[list[Member], tuple[float, ...]]:
    """Members of a team that have a weight, and the weights, which sum to 1."""
    by_id = {member.id: member for member in pool.members()}
    weighed = [(by_id[name], weight) for name, weight in zip(team.team, team.weights, strict=True) if weight > 0]
    total = sum(weight for _, weight in weighed)
    return [member for member, _ in weighed], tuple(weight / total for _, weight in weighed)


def moved(known: Base, path: Path | str | None) -> Base:
    """The reference to a base that may lie elsewhere now.

    Raises:
        SpecError: what lies there has other weights, or is no causal language model.
    """
    if path is None:
        return known
    found = base_of(path)
    if found.weights_sha256 != known.weights_sha256:
        raise SpecError(
            f"{path} holds other weights (SHA-256 {found.weights_sha256[:12]}…) than the base that the members were "
            f"trained on ({known.weights_sha256[:12]}…, once at {known.path}); give that very base"
        )
    return found


def template_of(pool: Pool, members: Sequence[Member]) -> Spec | None:
    """Template by which instructions were written for the members; None where their data know none.

    Raises:
        UntrustedError: one that is code, and is not trusted.
    """
    recipe = next((member.recipe for member in members if member.recipe is not None), None)
    data = None if recipe is None else to_spec(recipe["data"])
    if data is None or data.name not in TEXTS or "template" not in TEXTS.arguments(data.name):
        return None
    given = to_spec(str(data.arguments.get("template", TEXTS.arguments(data.name)["template"].default)))
    require_known_paths(str(pool.folder), given, trust_code=pool.trust_code)
    with known_paths_only(str(pool.folder), trust_code=pool.trust_code):
        return TEMPLATES.check(given)


def _consensus(pool: Pool, team: Team, given: str | None) -> Consensus:
    if given is not None:
        return check_consensus(given)
    found = spoken(pool, team.consensus)
    if found is None:
        raise ExportError(
            f"consensus {to_spec(team.consensus).name!r} is none of language models; choose a team by 'mean', or say "
            "how members are to speak as one: --consensus token_probabilities"
        )
    return found


def _base_of(pool: Pool) -> Base:
    if pool.task.base is None:
        raise ExportError(f"{pool.folder} names no base model, and adapters are nothing without it; train them in one")
    return pool.task.base


def _require_weights(pool: Pool, member: Member) -> None:
    named = f"member {member.id} ({member.name})"
    if member.adapter is None and not is_whole(member):
        raise ExportError(f"{named} has predictions only; export from the pool that it was trained in")
    if not member.has_weights:
        raise ExportError(
            f"the weights of {named} were dropped (`lrensemble slim`, or sweep.keep_weights): remove it (`lrensemble "
            f"rm {pool.folder} {member.id}`) and run the sweep again, which trains it to the same bits; or export "
            "another team"
        )
