from pathlib import Path

import numpy as np
import pytest

from lrensemble.config import Inputs
from lrensemble.export.readers import read


def test_a_column_whose_first_megabyte_is_whole_numbers_may_go_on_with_others(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    whole = 300_000
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "1,2\n" * whole + "1.5,2\n")
    found = np.concatenate(list(read(path, Inputs(shape=(2,), dtype="float32", mean=(0.0, 0.0), std=(1.0, 1.0)))))
    assert found.shape == (whole + 1, 2)
    assert found[-1].tolist() == [1.5, 2.0]
