"""How steps are computed: precision, threads, optimizers and their groups of parameters, the average of weights."""
