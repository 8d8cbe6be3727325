"""Runs that a function of the user's trains, in place of the library's loop: `train.function`.

`function` finds it and says what it cannot do, `outcome` reads what it returns, `life` takes its run from the recipe to
the pool, `alive` keeps the claim on it meanwhile.
"""
