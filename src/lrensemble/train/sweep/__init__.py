"""Runs that a sweep trains: the space, its points, what is refused before any, their factory, and the strategies."""
