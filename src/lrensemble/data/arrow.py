"""Tables of pyarrow from parquet and CSV files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lrensemble.errors import DataError, LREnsembleError, MissingExtraError
from lrensemble.files import storage_errors

if TYPE_CHECKING:
    import pyarrow as pa


def parquet_table(path: Path) -> pa.Table:
    """The table of a parquet file.

    Raises:
        DataError: it is a folder, damaged, or no parquet file.
        StorageError: it cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("parquet files need pyarrow; pip install 'lrensemble[hub]'") from None
    if os.path.isdir(path):  # which pyarrow would read as a data set, with all that lies below it
        raise DataError(f"{path} is a folder; give a parquet file of that name")
    try:
        with storage_errors("read", path), path.open("rb") as file:
            return pq.ParquetFile(file).read()
    except LREnsembleError:
        raise
    except Exception as error:  # damaged files make pyarrow raise almost anything
        raise DataError(f"{path} is damaged, or no parquet file: {' '.join(str(error).split())}") from None


def csv_table(path: Path, delimiter: str) -> pa.Table:
    """The table of a CSV file in UTF-8 whose first line names the columns, plain or `.gz`.

    Raises:
        DataError: it is no such file.
        StorageError: it cannot be read.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import csv
    except ImportError:
        raise MissingExtraError("CSV files need pyarrow; pip install 'lrensemble[hub]'") from None
    try:
        with storage_errors("read", path), path.open("rb") as file:
            packed = pa.input_stream(file, compression="gzip" if path.suffix == ".gz" else None)
            table = csv.read_csv(packed, parse_options=csv.ParseOptions(delimiter=delimiter))
            _ = table.column_names  # which are decoded when they are asked for
            return table
    except LREnsembleError:
        raise
    except Exception as error:  # damaged files make pyarrow raise almost anything
        raise DataError(f"{path} is no CSV file that can be read: {' '.join(str(error).split())}") from None
