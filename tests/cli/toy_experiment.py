"""An experiment of four small runs, for tests that start it several times."""

FOUR_RUNS = """
[data]
name = "npz"
file = "toy.npz"
[model]
name = "mlp"
width = 4
[[policy]]
name = "constant"
peak = [0.02, 0.05, 0.1, 0.2]
[train]
epochs = 2
batch_size = 32
"""
