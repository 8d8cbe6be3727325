"""How a run lives: from its recipe, or from where it was interrupted, to a member of the pool; alone or stacked."""
