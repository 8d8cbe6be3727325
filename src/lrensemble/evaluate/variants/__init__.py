"""Variants of a team beside the team and the best single model: what each scores on test rows, and what it costs.

`record` says what is written and where; `measured` fills scores and gains from predictions; `tables` prints them. Who
makes the variants, and times them, is `lrensemble.export.comparison`.
"""
