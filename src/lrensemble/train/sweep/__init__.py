"""Which runs a sweep trains: the space, its points and recipes, the range test, and the strategies that walk it."""
