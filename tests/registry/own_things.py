"""A function of one's own for everything that has a name, as a user would write it: nothing here is registered."""
# mypy: ignore-errors
# ruff: noqa: ARG001

import numpy as np
import torch

from lrensemble.config.space import Choice
from lrensemble.data.augment.base import Augmentation
from lrensemble.data.source import Samples
from lrensemble.executors.in_process import InProcess
from lrensemble.export import Variant
from lrensemble.select import Selection
from lrensemble.train import Ended
from lrensemble.train.sweep.points import grid_points
from lrensemble.train.sweep.strategies.base import single_round


def halves(total, peak=0.1):
    """A rate that is halved four times."""
    return lambda step: peak * 0.5 ** (4 * step / total)


def stairs(total, *, peak: float, stones: tuple[float, ...] = (0.5,)):
    """A rate that falls to a tenth at every stone."""
    return lambda step: peak * 0.1 ** sum(step >= stone * total for stone in stones)


def of_the_step(step, total, peak=0.1):
    """No policy: it takes the step itself."""
    return peak * step / total


def flat(total, peak=0.1):
    """No policy: it returns a rate and not a function of the step."""
    return peak


def balanced(probs, labels):
    """Mean recall of the classes."""
    return float(np.mean([(probs.argmax(1) == labels)[labels == k].mean() for k in np.unique(labels)]))


balanced.higher_is_better = True


def misses(probs, labels, weights=None, *, of: int = 1):
    """Share of rows whose label is not among the likeliest `of` classes."""
    best = np.argsort(-probs, axis=1, kind="stable")[:, :of]
    return float(np.average(~(best == labels[:, None]).any(axis=1), weights=weights))


misses.higher_is_better = False
misses.needs = "labels"


def silent(probs, labels):
    """A metric that does not say which direction is better."""
    return 0.0


def middle(probs, weights):
    """The median of the members, made to sum to one."""
    values = np.median(probs, axis=0)
    return values / values.sum(axis=1, keepdims=True)


def last(validation, *, metric, consensus, seed, size: int = 2):
    """The last members of the pool."""
    team = tuple(range(validation.members))[-size:]
    weights = tuple(1 / len(team) for _ in team)
    return Selection(team=team, weights=weights, score=0.5, metric=str(metric), consensus=str(consensus), tried=1)


def rows(folder, *, count: int = 120):
    """Images of 4x6 whose mean says the class."""
    labels = np.arange(count) % 3
    noise = np.random.default_rng(0).integers(0, 60, size=(count, 1, 4, 6))
    return Samples((60 * labels[:, None, None, None] + noise).astype(np.uint8), labels, ("a", "b", "c"))


def darker(shape, *, by: float = 0.5):
    """Normalised inputs times a number."""
    return Augmentation(draw=lambda _generator, _batch: {}, apply=lambda inputs, _draws: inputs * by)


def hinge(lesson, *, margin: float = 1.0):
    """Distance of the label's logit from the best other one, where it is below a margin."""

    def rows(outputs, truth):
        label = torch.nn.functional.one_hot(truth.expand(outputs.shape[:-1]), outputs.shape[-1]).bool()
        best = outputs.masked_fill(label, -torch.inf).amax(dim=-1)
        return (margin + best - outputs[label].view(best.shape)).clamp(min=0)

    return rows


hinge.form = "log_probs"


def early(rows, *, share: float = 0.5):
    """Rows of the first half, with replacement."""
    return lambda generator: generator.integers(max(1, int(rows.count * share)), size=rows.count)


def backwards(factory):
    """The grid from its end."""
    points = grid_points(factory.experiment)[::-1]
    return single_round([factory.run(order, point) for order, point in enumerate(points)])


def unlikeness(outcomes, teams):
    """Share of rows that not all get wrong: 1 - mean of the product over pairs, by hand for the team of all."""
    return 1 - outcomes.wrong.all(axis=0).mean()


unlikeness.higher_is_more_diverse = True


def linear(shape, classes, bias=True):
    """One layer."""
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(shape)), classes, bias=bias))


def even(*, below: int):
    """Even numbers."""
    return Choice(tuple(range(0, below, 2)))


def raises(total):
    """A policy with a mistake in it."""
    return 1 / (total - total)


def as_text(ensemble, path):
    """What the ensemble is, as JSON."""
    path.write_text(ensemble.description.model_dump_json(), encoding="utf-8")


as_text.suffix = ".txt"


def heaviest(ensemble, pool, data, *, figure: float = 0.5):
    """The team as it is, with a figure."""
    return Variant(ensemble, {"val": {"accuracy": figure, "team_accuracy": 0.25}})


def lines_in(pool, *, file: str = "told.txt"):
    """A line for every run that has ended."""
    return Lines(pool.folder / file)


class Lines:
    """The logger of `lines_in`."""

    def __init__(self, path):
        self.path = path

    def note(self, event):
        if isinstance(event, Ended):
            with self.path.open("a") as file:
                file.write(f"{event.run.name}\n")

    def close(self):
        pass


def backwards_here():
    """This process, from the last item to the first."""
    return FromTheEnd()


class FromTheEnd(InProcess):
    """The executor of `backwards_here`."""

    def map(self, prepare, items, **options):
        yield from super().map(prepare, items[::-1], **options)
