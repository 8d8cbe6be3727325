"""Hook of mkdocs: the reference is generated when the site is built, and stands last in the navigation."""

from typing import Any

from mkdocs.structure.files import File, Files

from generate.pages import navigation, pages


def on_config(config: Any) -> Any:
    """Add the reference to the navigation."""
    config["nav"].append({"Reference": navigation()})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages, pictures and schemas."""
    for path, content in pages().items():
        files.append(File.generated(config, path, content=content))
    return files
