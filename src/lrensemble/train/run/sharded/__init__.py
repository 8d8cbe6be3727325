"""One member in several processes, for a base that no device holds: the frozen weights are sharded (FSDP, Zhao et al.
2023), each process has the whole adapter and a part of each batch. One leads and has the run's one life; others follow.
"""
