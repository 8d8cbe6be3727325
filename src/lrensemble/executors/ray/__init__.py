"""Ray: the same items in workers on the machines of a cluster. Ray is imported when it is asked for."""

from lrensemble.executors.ray.executor import Cluster, ray

__all__ = ["Cluster", "ray"]
