"""The policy of a member, as far as its run has gone."""

from __future__ import annotations

from lrensemble.errors import SpecError
from lrensemble.policies import Policy, build
from lrensemble.pool import Member
from lrensemble.registry import known_paths_only


def recorded_policy(member: Member, *, trust_code: bool) -> Policy | None:
    """Policy of a member's recipe, for the steps that its history tells of.

    None for a member that was trained elsewhere, and for a policy that is not known here, or is code that is not
    trusted.
    """
    policy, history = (member.recipe or {}).get("policy"), member.history()
    total = int(history[-1]["step"]) if history else 0
    if not isinstance(policy, dict) or total < 1:
        return None
    epoch_steps = max(1, int(history[0]["step"]) // int(history[0]["epoch"]))
    try:
        with known_paths_only(member.id, trust_code=trust_code):
            return build(policy, total, epoch_steps)
    except SpecError:
        return None
