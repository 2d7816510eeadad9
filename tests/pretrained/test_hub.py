"""A name on the hub is loaded as a folder is, and every error there is one sentence.

A server on this machine replaces the hub, and the library sends it the same requests.
"""

import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants

from textgan.generator import AttentionGenerator, Generator
from textgan.pretrained import hub
from textgan.pretrained.part import Part

COMMITS = {"main": "a" * 40, "v2": "b" * 40}
FAILURES = {
    "someone/gated": (403, "GatedRepo"),
    "someone/hidden": (401, "RepoNotFound"),
    "someone/broken": (500, ""),
}


def part(width: int = 4) -> AttentionGenerator:
    torch.manual_seed(0)
    return AttentionGenerator(
        sample_shape=(3, 16, 16), text_width=8, noise_width=4, width=width, max_width=8
    )


class Hub(BaseHTTPRequestHandler):
    """Answers for `someone/small`: at "main" the folder below its `root`, at "v2" another."""

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        path, _, _ = self.path.partition("?")
        api = re.fullmatch(r"/api/models/(\w+/\w+)(/(revision|tree)/(\w+))?", path)
        file = re.fullmatch(r"/(\w+/\w+)/resolve/(\w+)/(.+)", path)
        name = (api or file).group(1)
        if name in FAILURES:
            self.answer(*FAILURES[name])
        elif name != "someone/small":
            self.answer(404, "RepoNotFound")
        elif file:
            self.send(file.group(2), self.folder(file.group(2)) / file.group(3))
        elif api.group(3) == "tree":
            self.answer(200, content=json.dumps(self.entries(api.group(4))).encode())
        elif (api.group(4) or "main") not in COMMITS:
            self.answer(404, "RevisionNotFound")
        else:
            sha = COMMITS[api.group(4) or "main"]
            names = [{"rfilename": entry["path"]} for entry in self.entries(sha)]
            found = {"id": name, "sha": sha, "siblings": names, "private": False, "tags": []}
            self.answer(200, content=json.dumps(found).encode())

    do_HEAD = do_GET  # noqa: N815

    def folder(self, commit: str) -> Path:
        return self.server.root / {sha: name for name, sha in COMMITS.items()}[commit]

    def entries(self, commit: str) -> list[dict]:
        files = sorted(self.folder(commit).iterdir())
        return [
            {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40}
            for f in files
        ]

    def send(self, commit: str, file: Path) -> None:
        content = file.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self.answer(200, content=content, **{"ETag": f'"{digest}"', "X-Repo-Commit": commit})

    def answer(self, status: int, error: str = "", content: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        named = {"X-Error-Code": error} if error else {}
        for key, value in {**named, **headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *said: object) -> None:
        pass


@pytest.fixture
def online(monkeypatch, tmp_path) -> Iterator[ThreadingHTTPServer]:
    """The library uses our server, and downloads into `tmp_path / "cache"`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.root, server.requests = tmp_path / "served", []
    part().save_pretrained(server.root / "main")
    part(8).save_pretrained(server.root / "v2")
    (server.root / "main" / "pytorch_model.bin").write_bytes(b"a pickle")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    use(monkeypatch, address, tmp_path / "cache")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def use(monkeypatch: pytest.MonkeyPatch, address: str, cache: Path) -> None:
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    for name, value in {
        "ENDPOINT": address,
        "HUGGINGFACE_CO_URL_TEMPLATE": template,
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": False,
        "HF_TOKEN_PATH": str(cache / "no token"),
    }.items():
        monkeypatch.setattr(constants, name, value)


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def test_a_name_is_fetched_its_two_files_and_no_other(online, tmp_path):
    again = Part.from_pretrained("someone/small")
    assert same(again, part())
    fetched = sorted(file.name for file in (tmp_path / "cache").rglob("snapshots/*/*"))
    assert fetched == ["config.json", "model.safetensors"]
    assert not any("pytorch_model" in path for path in online.requests)


def test_a_revision_is_another_model(online):
    assert same(Generator.from_pretrained("someone/small", revision="v2"), part(8))


def test_what_was_fetched_is_read_again_without_the_hub(online, monkeypatch):
    Part.from_pretrained("someone/small")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    requests = len(online.requests)
    assert same(Part.from_pretrained("someone/small"), part())
    assert len(online.requests) == requests


def test_a_folder_of_the_name_is_read_in_its_place(online, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    part(8).save_pretrained("someone/small")
    assert same(Part.from_pretrained("someone/small"), part(8))
    assert not online.requests


@pytest.mark.parametrize(
    ("name", "revision", "said"),
    [
        ("someone/gated", None, r"gated: accept its terms at http.*/someone/gated and log in"),
        ("someone/hidden", None, "no such repository, or it needs a login"),
        ("nobody/nothing", None, "no such repository, or it needs a login"),
        ("someone/small", "v3", "it has no revision 'v3'"),
        ("someone/broken", None, "cannot be reached or refuses: "),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(online, name, revision, said):
    with pytest.raises(FileNotFoundError, match=said) as caught:
        Part.from_pretrained(name, revision=revision)
    assert f"got '{name}', which does not exist; " in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.__suppress_context__


def test_no_network_is_one_sentence(monkeypatch, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    use(monkeypatch, address, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"or refuses: Connect(ion)?Error") as caught:
        Part.from_pretrained("someone/small")
    assert len(str(caught.value).splitlines()) == 1


def test_offline_is_one_sentence_and_sends_no_request(online, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="cannot be used while HF_HUB_OFFLINE is set"):
        Part.from_pretrained("someone/small")
    assert not online.requests


def test_a_repository_of_something_else_is_one_sentence(online):
    (online.root / "main" / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"someone/small .* has no config.json"):
        Part.from_pretrained("someone/small")
    (online.root / "v2" / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="must have format_version 1"):
        Part.from_pretrained("someone/small", revision="v2")


@pytest.mark.parametrize(
    "path",
    [
        *("./small", "../small", "/someone/small", "~/small", "runs/a/pipeline", "small", ".a/b"),
        *("runs\\pipeline", "a b/c", "someone/small/", "https://huggingface.co/someone/small"),
        Path("someone/small"),
    ],
)
def test_other_paths_are_folders_that_do_not_exist(online, path):
    with pytest.raises(FileNotFoundError, match=r"path must be a folder .* does not exist"):
        Part.from_pretrained(path)
    assert not online.requests


def test_a_folder_has_no_revisions(tmp_path):
    part().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"revision must be None for the folder .* got 'v2'"):
        Part.from_pretrained(tmp_path, revision="v2")


class Api:
    """Records its calls."""

    def __init__(self, error: Exception | None = None, *, private: bool = False) -> None:
        self.calls, self.error, self.is_private = [], error, private

    def __call__(self, **said: str) -> "Api":
        self.calls.append(("made", said))
        return self

    def create_repo(self, repo_id: str, **said: object) -> str:
        self.calls.append(("create", {"repo_id": repo_id, **said}))
        return f"https://huggingface.co/{repo_id}"

    def model_info(self, repo_id: str) -> SimpleNamespace:
        return SimpleNamespace(private=self.is_private)

    def upload_folder(self, **said: object) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(("upload", said))


def test_a_folder_is_uploaded_to_a_repository_that_is_made_if_need_be(monkeypatch, tmp_path):
    api = Api(private=True)
    monkeypatch.setattr(hub, "HfApi", api)
    address = hub.upload(tmp_path, "me/mine", private=True, commit_message="again")
    assert address == "https://huggingface.co/me/mine"
    sent = {"repo_id": "me/mine", "folder_path": str(tmp_path), "commit_message": "again"}
    created = {"repo_id": "me/mine", "private": True, "exist_ok": True}
    assert api.calls[1:] == [("create", created), ("upload", sent)]
    assert api.calls[0][1]["library_name"] == "textgan"


def test_a_public_repository_is_not_written_to_where_it_should_be_private(monkeypatch, tmp_path):
    api = Api(private=False)
    monkeypatch.setattr(hub, "HfApi", api)
    with pytest.raises(ValueError, match="me/mine must not exist as a public repository"):
        hub.upload(tmp_path, "me/mine", private=True)
    assert "upload" not in dict(api.calls)


def test_an_upload_that_fails_is_one_sentence(monkeypatch, tmp_path):
    error = huggingface_hub.errors.LocalTokenNotFoundError("log in with `hf auth login`\nor so")
    monkeypatch.setattr(hub, "HfApi", Api(error))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ConnectionError, match=r"me/mine cannot be written: .*log in") as caught:
        hub.upload(tmp_path, "me/mine")
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ValueError, match="repo_id must be like owner/name, got 'mine'"):
        hub.upload(tmp_path, "mine")
    monkeypatch.undo()
    with pytest.raises(ConnectionError, match="cannot be used while HF_HUB_OFFLINE is set"):
        hub.upload(tmp_path, "me/mine")  # the library itself
