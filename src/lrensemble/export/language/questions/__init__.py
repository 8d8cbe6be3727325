"""Questions to teams of language models.

`answers` gives probabilities over choices, `asked` remembers what was said, and `tasks` has lm-evaluation-harness ask.
"""
