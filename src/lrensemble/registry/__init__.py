"""The one extension mechanism: registries of named functions that carry their facts.

`base` holds the registry, `functions` what it knows of one function, `paths` imports `package.module:function`,
`plugins` imports modules that register, `trust` keeps names that strangers wrote from being used, `names` says which
known name is nearest, `catalogue` where registries live, `entry` what can be told of one name, `annotations` how types
read.
"""

from lrensemble.registry.base import Registry
from lrensemble.registry.catalogue import HOMES, kinds_of, registry_of
from lrensemble.registry.entry import Entry, entry_of, plain_facts
from lrensemble.registry.functions import Call, NoFacts, depth, is_shipped
from lrensemble.registry.names import nearest
from lrensemble.registry.paths import reason_of
from lrensemble.registry.plugins import import_plugins, installed_plugins
from lrensemble.registry.trust import ask_for, close_gate, known_paths_only, paths_in, require_known_paths
from lrensemble.registry.written_names import written_keys, written_names

__all__ = [
    "HOMES",
    "Call",
    "Entry",
    "NoFacts",
    "Registry",
    "ask_for",
    "close_gate",
    "depth",
    "entry_of",
    "import_plugins",
    "installed_plugins",
    "is_shipped",
    "kinds_of",
    "known_paths_only",
    "nearest",
    "paths_in",
    "plain_facts",
    "reason_of",
    "registry_of",
    "require_known_paths",
    "written_keys",
    "written_names",
]
