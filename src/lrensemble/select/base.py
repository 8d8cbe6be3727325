"""What a selector is given, what it returns, and where it is registered."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lrensemble.consensus import CONSENSUS, for_target
from lrensemble.errors import SelectionError
from lrensemble.metrics import METRICS, require_aim
from lrensemble.metrics.serving import require_target
from lrensemble.notebook import Shown
from lrensemble.registry import Call, Registry
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike
from lrensemble.targets import KINDS, SAID, Need


@dataclass(frozen=True, repr=False)
class Selection(Shown):
    """A team, and how it was found."""

    team: tuple[int, ...]
    """Members' positions, distinct and rising."""
    weights: tuple[float, ...]
    """One for each of the team, summing to 1."""
    score: float
    """By `metric`, higher is better, on the rows of the selection: optimistic."""
    metric: str
    consensus: str
    tried: int
    """Different teams that were scored; of a search among weights, its steps."""
    method: str = ""
    seconds: float = 0.0
    caution: str = ""
    """A warning, where many teams were scored on few rows."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What else the selector has to say, ready for JSON."""

    def __len__(self) -> int:
        return len(self.team)

    def __iter__(self) -> Iterator[int]:
        return iter(self.team)

    def _headline(self) -> str:
        members = f"members {list(self.team)}" if len(self) <= 12 else f"{len(self)} members"
        return f"{self.method or 'a team'}: {members}, {self.metric} {self.score:.4f}, {self.tried:,} teams tried"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each member of the team."""
        return [{"member": member, "weight": weight} for member, weight in zip(self.team, self.weights, strict=True)]


@dataclass(frozen=True)
class SelectorFacts:
    """A selector says what it chooses for, and what it reads of members beside their scores."""

    targets: tuple[str, ...] = KINDS
    """Kinds of target that it chooses members for."""
    needs: Need | None = None
    """What it needs of every member beyond what metric and consensus need."""


SELECTORS: Registry[Selection, SelectorFacts] = Registry(
    "selector", SelectorFacts, call=Call(("validation",), keywords=("metric", "consensus", "seed"))
)
"""Functions of (validation, *, metric, consensus, seed, …own arguments)."""


def check_method(method: SpecLike) -> Spec:
    """A selector's spec, its name and arguments checked.

    Raises:
        UnknownNameError, SpecError: as `Registry.check` does.
    """
    return SELECTORS.check(method, "metric", "consensus", "seed")


def selector_for(validation: Validation, method: SpecLike) -> Callable[..., Selection]:
    """A selector with its own arguments bound, if it can choose among these members.

    Raises:
        UnknownNameError, SpecError: as `check_method` does, or it is not for this kind of target.
        SelectionError: a member does not say what it needs.
    """
    spec = require_target(SELECTORS, check_method(method), validation.target.kind)
    need = SELECTORS.facts(spec).needs
    if need is not None:
        require_served(validation, need, spec)
    return SELECTORS.bound(spec)


def aim(validation: Validation, metric: SpecLike | None, consensus: SpecLike | None) -> tuple[Spec, Spec]:
    """Metric and consensus, checked: those given, or those that suit the target and what all members say.

    Raises:
        UnknownNameError, SpecError: a name or an argument that is not known, or not for this kind of target, or a
            metric that no team is chosen by.
        SelectionError: a member that does not say what the metric or the consensus needs.
    """
    target, served = validation.target, validation.served
    aimed = require_aim(metric or target.default_metric(served))
    combined = for_target(consensus or target.default_consensus(served), target.kind)
    check_metric(validation, aimed, combined)
    return aimed, combined


def check_metric(validation: Validation, metric: SpecLike, consensus: SpecLike = "mean") -> str:
    """The metric's text form, if every member can serve it.

    Raises:
        SpecError: another kind of target.
        SelectionError: a member that does not say what the metric or the consensus needs.
    """
    kind = validation.target.kind
    spec, combined = require_target(METRICS, metric, kind), for_target(consensus, kind)
    need, of_consensus = METRICS.facts(spec).needs, CONSENSUS.facts(combined).needs
    require_served(validation, need, spec)
    if need == "likelihood" and of_consensus != "likelihood":
        require_served(validation, "probabilities", combined, instead="consensus mean")
    if of_consensus == "distribution":
        require_served(validation, of_consensus, combined, instead="consensus mean")
    return str(spec)


def check_seed(seed: object) -> int:
    """A seed as an integer.

    Raises:
        SelectionError: it is none, or negative.
    """
    try:
        number = operator.index(seed)  # type: ignore[arg-type]  # which raises for what is none
    except TypeError:
        number = -1
    if number < 0:
        raise SelectionError(f"seed = {seed!r} is refused; give an integer from 0")
    return number


def require_served(validation: Validation, need: Need, spec: Spec, instead: str = "") -> None:
    """Refuse a metric, consensus or method that needs more of members than one of them says.

    Raises:
        SelectionError: the first such member, and a metric that it can serve, unless told what to use instead.
    """
    lacking = validation.lacking(need)
    if lacking is not None:
        said = validation.needs_served(lacking)
        says = next(words for served, words in SAID if served in said)
        raise SelectionError(f"member {lacking} {says}, which cannot serve {spec}; use {instead or _instead(said)}")


def _instead(served: frozenset[Need]) -> str:
    """A metric that a member can serve."""
    return next(f"metric {name}" for name in ("accuracy", "nll", "mse") if METRICS.facts(name).needs in served)


def equal_weights(team: tuple[int, ...]) -> tuple[float, ...]:
    """The same weight for every member of a team."""
    return tuple(1 / len(team) for _ in team)
