"""Runs that a sweep trains: the space, its points, the factory of runs, the range test, and the strategies."""
