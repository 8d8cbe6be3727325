"""What the Trainer of Hugging Face writes down of a training: rates, losses and scores by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NAMES = {"learning_rate": "rate", "loss": "train_loss", "eval_loss": "val_nll"}
"""Our names of what it logs."""

UNSAID = ("runtime", "samples_per_second", "steps_per_second", "total_flos")
"""Ends of names of what says nothing of the model."""


@dataclass(frozen=True)
class Training:
    """What is known of a training."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, object]] = ()
    logged: Mapping[str, float] = field(default_factory=dict)
    """Metrics on the validation rows, at the step of the weights."""


def training_of(state: Mapping[str, Any], step: int | None, **facts: Any) -> Training:
    """All that a Trainer wrote down of weights at a step, and further facts."""
    return Training({**facts_of(state, step), **facts}, history_of(state), logged_of(state, step))


def facts_of(state: Mapping[str, Any], step: int | None) -> dict[str, Any]:
    """What is known of a training: rate, number of steps, trial of a search."""
    lines = _lines(state)
    rates = [line["learning_rate"] for line in lines if _is_number(line.get("learning_rate"))]
    searched = state.get("trial_params")
    said = {
        "learning_rate": max(rates, default=None),
        "trial": state.get("trial_name"),
        "step": step,
        "steps": state.get("max_steps"),
        "epochs": state.get("num_train_epochs"),
        "batch_size": state.get("train_batch_size"),
        **(searched if isinstance(searched, Mapping) else {}),
    }
    return {key: each for key, each in said.items() if each is not None}


def history_of(state: Mapping[str, Any]) -> list[dict[str, object]]:
    """One line for each step that it logged, with epoch, rate, losses and scores."""
    found: dict[int, dict[str, object]] = {}
    for line in _lines(state):
        if "train_runtime" in line or not _is_number(line.get("step")):
            continue
        kept = found.setdefault(int(line["step"]), {"epoch": line.get("epoch"), "step": int(line["step"])})
        kept |= {
            NAMES.get(key, key.replace("eval_", "val_", 1)): each
            for key, each in line.items()
            if _is_number(each) and not key.endswith(UNSAID)
        }
    return [found[step] for step in sorted(found)]


def logged_of(state: Mapping[str, Any], step: int | None) -> dict[str, float]:
    """Metrics on the validation rows at a step; none where it did not evaluate there."""
    lines = [line for line in _lines(state) if "eval_loss" in line or any(key.startswith("eval_") for key in line)]
    at: Mapping[str, Any] = next((line for line in reversed(lines) if line.get("step") == step), {})
    return {
        key: float(each)
        for key, each in at.items()
        if key.startswith("eval_") and _is_number(each) and not key.endswith(UNSAID)
    }


def _lines(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    lines = state.get("log_history")
    return [line for line in lines if isinstance(line, Mapping)] if isinstance(lines, list) else []


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)
