"""Sections of the page that only pools of language models have, between the verdict and what all pools have.

`losses` shows rates and what came of them, `benchmarks` the questions that members were asked side by side, `answers`
those that change, `samples` texts that are generated, `disagreement` how far members are apart, `cost` what they cost
beside their base. `data` finds the questions, `updates` compares changes of weights, `consensus` names how members were
combined.
"""

from collections.abc import Callable

from lrensemble.report.language.answers import answers
from lrensemble.report.language.benchmarks import benchmarks
from lrensemble.report.language.cost import cost
from lrensemble.report.language.disagreement import disagreement
from lrensemble.report.language.losses import losses
from lrensemble.report.language.samples import samples
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section

LANGUAGE: tuple[Callable[[ReportData], Section | None], ...] = (
    losses,
    benchmarks,
    answers,
    samples,
    disagreement,
    cost,
)
"""Sections in the order of the page."""
