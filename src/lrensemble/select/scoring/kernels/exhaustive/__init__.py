"""Kernels that score every subset of the members, block by block: one a metric, on the CPU or on a device."""
