"""Teams of language models on benchmarks: the choice was made elsewhere, and nothing here changes it.

`judging` compares, `record` is the content of `benchmarks.json`, `tables` prints it.
"""

from lrensemble.evaluate.benchmarks.judging import judge_benchmarks
from lrensemble.evaluate.benchmarks.record import Benchmarks, OnBenchmark, read_judgement, write_judgement
from lrensemble.evaluate.benchmarks.tables import benchmark_tables

__all__ = [
    "Benchmarks",
    "OnBenchmark",
    "benchmark_tables",
    "judge_benchmarks",
    "read_judgement",
    "write_judgement",
]
