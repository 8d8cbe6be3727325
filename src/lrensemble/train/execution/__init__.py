"""Execution of runs: in one program, in worker processes or one by one; beside other processes."""
