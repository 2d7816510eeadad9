"""Download saved parts from the Hugging Face Hub by name, and publish them there."""

import os
import re
from pathlib import Path

import huggingface_hub
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    HTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

import textgan
from textgan.file.home import expanded
from textgan.pretrained.files import CONFIG, WEIGHTS

CARD = "README.md"
_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
# Errors of connections are among them: each major version of the library sends requests by another
# package, whose errors derive from one of these.
_HUB_ERRORS = (HTTPError, OSError, HFValidationError)


def is_name(path: str) -> bool:
    """True if a path has the form `owner/name`."""
    return _NAME.fullmatch(path) is not None


def find_folder(path: str | Path, *, revision: str | None = None) -> Path:
    """Find the folder of a saved part, as `Part.from_pretrained` does.

    A name on the hub is downloaded into the hub's cache.

    Raises:
        FileNotFoundError: the folder does not exist, and the hub lacks the name or cannot be
            reached.
        ValueError: a revision of a folder is given.
    """
    path = type(path)(expanded(path))
    if os.path.exists(path):  # noqa: PTH110 - Path's raises where it is too long to be one
        if revision is not None:
            raise ValueError(f"revision must be None for the folder {path}, got {revision!r}")
        return Path(path)
    rule = f"path must be a folder by save_pretrained, got {str(path)!r}, which does not exist"
    if isinstance(path, Path):
        raise FileNotFoundError(rule)
    if not is_name(path):
        raise FileNotFoundError(f"{rule}, and is no name like owner/name on the Hugging Face Hub")
    try:
        folder = huggingface_hub.snapshot_download(
            path, revision=revision, allow_patterns=[CONFIG, WEIGHTS, CARD]
        )
    except _HUB_ERRORS as error:
        raise FileNotFoundError(f"{rule}; {_reason(path, revision, error)}") from None
    if not (Path(folder) / CONFIG).is_file():
        rule = f"{path} on the Hugging Face Hub has no {CONFIG}"
        raise FileNotFoundError(f"{rule}, so save_pretrained did not write it")
    return Path(folder)


def upload(
    folder: str | Path, repo_id: str, *, private: bool = False, commit_message: str | None = None
) -> str:
    """Publish a folder with its sub-folders in a repository of the hub -> its address.

    The arguments are those of `TextToImagePipeline.push_to_hub`. If `private` is true, nothing is
    written to a repository that is public already.

    Raises:
        ValueError: `repo_id` has another form, or is public although `private` is true.
        ConnectionError: the hub cannot be reached, or refuses.
    """
    if not is_name(repo_id):
        raise ValueError(f"repo_id must be like owner/name, got {repo_id!r}")
    version = textgan.__version__
    api = HfApi(library_name="textgan", library_version=version)
    try:
        address = api.create_repo(repo_id, private=private, exist_ok=True)
        is_public = private and not api.model_info(repo_id).private
        if not is_public:
            message = commit_message or f"Saved by textgan {version}"
            api.upload_folder(repo_id=repo_id, folder_path=str(folder), commit_message=message)
    except _HUB_ERRORS as error:
        reason = _reason(repo_id, None, error)
        raise ConnectionError(f"{repo_id} cannot be written: {reason}") from None
    if is_public:
        raise ValueError(f"{repo_id} must not exist as a public repository where private is True")
    return str(address)


def _reason(name: str, revision: str | None, error: BaseException) -> str:
    """The reason for an error of the hub, as one clause."""
    hub = "the Hugging Face Hub"
    if isinstance(error, GatedRepoError):
        return f"on {hub} it is gated: accept its terms at {constants.ENDPOINT}/{name} and log in"
    if isinstance(error, RepositoryNotFoundError):
        return f"{hub} has no such repository, or it needs a login (hf auth login)"
    if isinstance(error, RevisionNotFoundError):
        return f"on {hub} it has no revision {revision!r}"
    if constants.HF_HUB_OFFLINE:
        return f"{hub} cannot be used while HF_HUB_OFFLINE is set, and its cache lacks it"
    error = error.__cause__ or error  # the library's own error adds only that the cache lacks it
    text = next(iter(str(error).splitlines()), "")
    return f"{hub} cannot be reached or refuses: {type(error).__name__} {text:.200}".rstrip()
