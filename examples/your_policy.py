"""Write a policy, compose it, draw its curve as text, and train by its rates in a loop of your own.

python examples/your_policy.py

In an experiment, `name = "your_policy:ripples"` names it by its place.
"""

import math
from collections.abc import Callable

import torch

from lrensemble.policies import build, policy


@policy(peak=0.1, waves=3)
def ripples(total: int, *, peak: float, waves: int = 3) -> Callable[[int], float]:
    """Waves that die down over the run."""
    return lambda step: peak * (1 - step / total) * (1 + math.cos(2 * math.pi * waves * step / total)) / 2


STEPS = 60
rates = build("warmup(policy=ripples(peak=0.1), steps=10)", STEPS)
for step in range(0, STEPS, 3):
    print(f"{step:3} {rates(step):.4f} {'*' * round(500 * rates(step))}")

model = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
for step in range(STEPS):
    for group in optimizer.param_groups:
        group["lr"] = rates(step)
    loss = model(torch.ones(4, 3)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.2e} after {STEPS} steps")
