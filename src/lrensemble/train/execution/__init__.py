"""Where, and with whom, runs are trained: in one program, in worker processes or one by one; beside other processes."""
