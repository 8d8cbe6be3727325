"""What the judged team knows of its own doubt, beside the best single model: on test rows, after all is chosen.

`record` says what is written; `measured` fills it: selective prediction, conformal sets (`sets`) and the detection of
rows of further test sets (`foreign`).
"""
