"""The front door: what the verbs of the command line do, as plain functions.

`sweep` trains, `teams` chooses and judges, `judge` does both at the end of a run, `written` writes pages and ensembles
and predicts; `experiment` takes an experiment in any form, `objects` networks and rates that are given as they are,
`arrays` data, `numbers` their arrays and `indexes` the order of their rows, and `fingerprint` tells two definitions
apart.

Nothing is imported here: who chooses teams needs no torch.
"""
