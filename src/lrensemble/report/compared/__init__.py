"""Pages that compare: `together` several pools and studies, `study` the pools of one study."""

from lrensemble.report.compared.study import study_page
from lrensemble.report.compared.together import write_comparison

__all__ = ["study_page", "write_comparison"]
