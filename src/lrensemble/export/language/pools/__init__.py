"""From a pool of language models to what is served of it.

`team` takes the adapters and weights of a team, `whole` those of models that were trained as a whole; `formats`
writes one model in place of a team, and `scored` scores it anew.
"""
