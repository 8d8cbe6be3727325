"""Compose a policy, draw its curve as text, and use it as a scheduler of torch in a loop of your own.

python examples/your_policy.py
"""

import torch

from lrensemble.policies import build

STEPS = 60
policy = build("warmup(policy=cosine_restarts(peak=0.1, period=20), steps=10)", STEPS)
for step in range(0, STEPS, 3):
    print(f"{step:3} {policy(step):.4f} {'*' * round(500 * policy(step))}")

model = torch.nn.Linear(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
for step in range(STEPS):
    for group in optimizer.param_groups:
        group["lr"] = policy(step)
    loss = model(torch.ones(4, 3)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.2e} after {STEPS} steps")
