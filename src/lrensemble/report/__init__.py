"""One page that shows where a gain comes from: self-contained, readable without a network, dark and light.

`report_data` reads the pool and the result once; every section is a file that makes tables and figures of them; `page`
puts them together. Nothing from a pool reaches the page unescaped (`escape`). `plots` gives single figures.
"""

from lrensemble.report.figures import check_figure, check_format, write_figure, write_figures
from lrensemble.report.page import write_report
from lrensemble.report.plots import PLOTS, figure_of, rates_figure

__all__ = [
    "PLOTS",
    "check_figure",
    "check_format",
    "figure_of",
    "rates_figure",
    "write_figure",
    "write_figures",
    "write_report",
]
