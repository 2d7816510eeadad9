"""File names made of captions."""

import re


def file_name(caption: str) -> str:
    """A caption as part of a file name: at most 60 letters and digits of any script, and _."""
    return re.sub(r"\W+", "_", caption).strip("_")[:60].rstrip("_") or "empty"
