"""Files of predictions as other programs write them: what they hold, and what each column or array means.

`containers` opens files (`tables`, `nested`, `tensors` and `frames` are its hands), `roles` says what a name means,
`kinds` what numbers mean, `families` which columns belong together, `outputs` which are values of one row, `spreads`
which say how sure another one is, `one_column` what one column a model says, `indexes` which rows of objects may be
meant, `layout` puts these together and notes how it read them, `truth_file` reads a truth that stands in a file of its
own, and `places` says which files are one member's.
"""
