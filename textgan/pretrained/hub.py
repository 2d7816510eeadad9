"""Saved parts on the Hugging Face Hub: fetched by name, and published."""

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
# Of connections too: what the library sends requests by is another package in each major version,
# and each has its errors derive from one of these.
_TROUBLE = (HTTPError, OSError, HFValidationError)


def is_name(path: str) -> bool:
    """Whether it is like `owner/name`."""
    return _NAME.fullmatch(path) is not None


def find_folder(path: str | Path, *, revision: str | None = None) -> Path:
    """The folder of a saved part, which is fetched into the hub's cache where a name is given.

    Args:
        path: a folder; or a string like `owner/name`, where there is no such folder.
        revision: branch, tag or commit of the hub's repository; None means its main branch.

    Raises:
        FileNotFoundError: there is no such folder, and no such name on the hub that can be reached.
        ValueError: a revision of a folder is asked for.
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
    except _TROUBLE as error:
        raise FileNotFoundError(f"{rule}; {_why(path, revision, error)}") from None
    if not (Path(folder) / CONFIG).is_file():
        raise FileNotFoundError(f"{path} on the Hugging Face Hub has no {CONFIG}: it is not ours")
    return Path(folder)


def upload(
    folder: str | Path, repo_id: str, *, private: bool = False, commit_message: str | None = None
) -> str:
    """Publish all files of a folder in a repository of the hub, which is made if need be.

    Args:
        folder: its sub-folders are published too.
        repo_id: `owner/name`.
        private: whether only its owner may see it. One that is public already is left alone.
        commit_message: None names this version of textgan.

    Returns:
        The repository's address.

    Raises:
        ValueError: `repo_id` is no such name, or is public where it should be private.
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
    except _TROUBLE as error:
        raise ConnectionError(
            f"{repo_id} cannot be written: {_why(repo_id, None, error)}"
        ) from None
    if is_public:
        raise ValueError(f"{repo_id} must not exist as a public repository where private is True")
    return str(address)


def _why(name: str, revision: str | None, error: BaseException) -> str:
    """What went wrong between us and the hub, in one clause."""
    hub = "the Hugging Face Hub"
    if isinstance(error, GatedRepoError):
        return f"on {hub} it is gated: accept its terms at {constants.ENDPOINT}/{name} and log in"
    if isinstance(error, RepositoryNotFoundError):
        return f"{hub} has no such repository, or shows it only to who is logged in (hf auth login)"
    if isinstance(error, RevisionNotFoundError):
        return f"on {hub} it has no revision {revision!r}"
    if constants.HF_HUB_OFFLINE:
        return f"{hub} may not be asked while HF_HUB_OFFLINE is set, and its cache lacks it"
    error = error.__cause__ or error  # the library's own says that the cache lacks it, too
    said = next(iter(str(error).splitlines()), "")
    return f"{hub} cannot be reached or refuses: {type(error).__name__} {said:.200}".rstrip()
