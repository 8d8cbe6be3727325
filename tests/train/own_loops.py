"""Loops of one's own, as a user would write them."""
# ruff: noqa: ARG001, ARG002

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lrensemble.config import Recipe
from lrensemble.data import Dataset
from lrensemble.policies.torch_adapter import PolicyLR
from lrensemble.train import initial_network, policy_for

Lines = list[dict[str, Any]]


def plain(recipe: Recipe, dataset: Dataset, *, nesterov: bool = False) -> tuple[nn.Module, Lines]:
    """SGD along the policy of the recipe, rows in an order that the global generator draws."""
    network = initial_network(recipe, dataset).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9, nesterov=nesterov)
    scheduler, rows, lines = PolicyLR(optimizer, policy_for(recipe, dataset)), dataset.rows["train"], Lines()
    for _ in range(recipe.train.epochs):
        loss = torch.zeros(())
        order = rows[torch.randperm(len(rows))]
        for batch in order[: len(rows) // recipe.train.batch_size * recipe.train.batch_size].view(
            -1, recipe.train.batch_size
        ):
            inputs, truth = dataset.batch(batch)
            loss = cross_entropy(network(inputs), truth)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            scheduler.step()
        lines.append({"train_loss": loss.detach()[None][0].item()})
    return network, lines


def says(recipe: Recipe, dataset: Dataset, *, what: str = "probs") -> dict[str, Any]:
    """Predictions of one's own, in different forms."""
    generator = np.random.default_rng(recipe.train.seed)
    found: dict[str, Any] = {}
    for split in ("val", "test"):
        logits = generator.normal(size=(len(dataset.rows[split]), dataset.target.width))
        probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        forms = {"probs": probs, "logs": torch.from_numpy(np.log(probs)), "labels": probs.argmax(axis=1)}
        forms |= {"logits": logits, "nan": np.full_like(probs, np.nan), "short": probs[:5]}
        found[split] = forms[what]
    return found


def other_network(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """A network that is not the model of the recipe."""
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(dataset.shape)), dataset.target.width))


class NeverRuns(nn.Module):
    """A network that takes no inputs."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Nothing."""
        raise KeyError("not on these rows")


def never_runs(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A model whose networks take no inputs."""
    return NeverRuns()


def nothing(recipe: Recipe, dataset: Dataset) -> None:
    """A function that forgets to return."""


def fails(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """A function that fails for every other run."""
    if recipe.policy.name == "one_cycle":
        raise ValueError("no rate suits me")
    return initial_network(recipe, dataset)


def leaves(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """A function that ends the program."""
    raise SystemExit(3)


def is_interrupted(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """A function that is interrupted, and hands back what it has."""
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    return initial_network(recipe, dataset)


def without_dataset(recipe: Recipe) -> nn.Module:
    """A function that takes too little."""
    raise NotImplementedError


def looks(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """A function that looks at the truth of the test rows."""
    _, truth = dataset.batch(dataset.rows["test"])
    assert (truth == -1).all()
    assert (dataset.batch(dataset.rows["val"])[1] >= 0).all()
    return initial_network(recipe, dataset)


def is_overtaken(recipe: Recipe, dataset: Dataset) -> nn.Module:
    """A function that takes so long that another process, which this plays, takes its run over and adds the member."""
    pool, whole = Path(os.environ["OVERTAKEN_POOL"]), Path(os.environ["OVERTAKEN_WHOLE"])
    for mine in pool.glob(f"unfinished/{recipe.id}/*"):  # not of the other's own pool
        mine.rename(mine.with_name("00000000-1-1-0123abcd.300s.elsewhere"))
        shutil.copytree(whole / "members" / recipe.id, pool / "members" / recipe.id)
        shutil.rmtree(mine.parent)
    return initial_network(recipe, dataset)
