"""The storage layer: every file that the library writes is written here, whole or not at all.

`whole` writes files and folders, `lines` appends to what is no content, `removal` removes them, `drafts` names what is
under way and clears what a killed process left, `holder` knows who writes, `inside` keeps a pool's links from leading
out of it, `sealed` finds damage, `mapped` lets go of what was read, `claims` let one process of many at once do what
all would do, `held` says who has them, `beating` touches them, `shared` tries a file system, `signs` are of who is at
work.
"""

from lrensemble.files.as_json import read_json, sha256, to_json
from lrensemble.files.drafts import clear_abandoned, clear_pool, draft_of, file_system_now, is_draft
from lrensemble.files.holder import Holder, alive, read_holder, this_process
from lrensemble.files.inside import check_inside, check_no_link, is_link, pool_above
from lrensemble.files.kept import keep_somewhere
from lrensemble.files.lines import append_line
from lrensemble.files.mapped import allow_many_files, is_mapped, release
from lrensemble.files.refused import storage_errors, tensor_errors
from lrensemble.files.removal import discard, remove
from lrensemble.files.scratch import private_folder, reserve, scratch_array, scratch_file, scratch_folder
from lrensemble.files.sealed import BY_A_NEWER, FORMAT, OLDER, checksum, if_newer, proves_itself, seal
from lrensemble.files.strangers import names_in, own_files, warn_of_strangers, warn_once
from lrensemble.files.whole import (
    DraftFolder,
    check_writable,
    draft_file,
    draft_folder,
    make_folder,
    sync_folder,
    write_folder,
    write_new,
    write_whole,
)

__all__ = [
    "BY_A_NEWER",
    "FORMAT",
    "OLDER",
    "DraftFolder",
    "Holder",
    "alive",
    "allow_many_files",
    "append_line",
    "check_inside",
    "check_no_link",
    "check_writable",
    "checksum",
    "clear_abandoned",
    "clear_pool",
    "discard",
    "draft_file",
    "draft_folder",
    "draft_of",
    "file_system_now",
    "if_newer",
    "is_draft",
    "is_link",
    "is_mapped",
    "keep_somewhere",
    "make_folder",
    "names_in",
    "own_files",
    "pool_above",
    "private_folder",
    "proves_itself",
    "read_holder",
    "read_json",
    "release",
    "remove",
    "reserve",
    "scratch_array",
    "scratch_file",
    "scratch_folder",
    "seal",
    "sha256",
    "storage_errors",
    "sync_folder",
    "tensor_errors",
    "this_process",
    "to_json",
    "warn_of_strangers",
    "warn_once",
    "write_folder",
    "write_new",
    "write_whole",
]
