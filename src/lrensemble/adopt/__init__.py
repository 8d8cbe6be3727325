"""Adopt models that were trained elsewhere: each becomes a member that can be run again.

```
what a tool left --tools--> Found (how it is run, its content) --into_pool--> member
data, or the pool's recipes --rows--> raw inputs and truth of the pool's rows ┘
```

`tools` has one file a tool, `weights` reads files of torch without running code, `logged` compares scores with what the
tool logged. Predictions without a model are collected (`lrensemble.pool.collect`).
"""

from lrensemble.adopt import tools  # noqa: F401 – importing registers them
from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.into_pool import AdoptedMember, AdoptResult, add_all
from lrensemble.adopt.rows import Rows, rows_of

__all__ = ["ADOPTERS", "AdoptResult", "AdoptedMember", "Asked", "Found", "Rows", "add_all", "rows_of"]
