"""How far runs have come: what is noted of them while they are trained, saved between two steps, and claimed."""
