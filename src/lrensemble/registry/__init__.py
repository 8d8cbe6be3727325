"""The one extension mechanism: registries of named functions that carry their facts.

`base` holds the registry, `functions` what it knows of one function, `paths` imports `package.module:function`,
`plugins` imports modules that register, `names` says which known name is nearest, `catalogue` where registries live.
"""

from lrensemble.registry.base import Registry
from lrensemble.registry.catalogue import HOMES, registry_of
from lrensemble.registry.functions import Call, NoFacts, depth, is_shipped
from lrensemble.registry.names import nearest
from lrensemble.registry.paths import known_paths_only, paths_in, reason_of, require_known_paths
from lrensemble.registry.plugins import import_plugins, installed_plugins

__all__ = [
    "HOMES",
    "Call",
    "NoFacts",
    "Registry",
    "depth",
    "import_plugins",
    "installed_plugins",
    "is_shipped",
    "known_paths_only",
    "nearest",
    "paths_in",
    "reason_of",
    "registry_of",
    "require_known_paths",
]
