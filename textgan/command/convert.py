"""Rewrite a checkpoint or a run.yaml of an earlier release for this release."""

import shlex
from pathlib import Path

from textgan.command._parser import Parser
from textgan.errors import ConfigError
from textgan.file.atomic import whole
from textgan.file.home import expanded


def main(argv: list[str]) -> int:
    """`textgan convert OLD NEW`: write the new file; the old one is not changed."""
    parser = Parser("textgan convert", description=__doc__)
    parser.add_argument("old", type=expanded, help="a .ckpt file, or a run.yaml")
    parser.add_argument("new", type=expanded, help="the file to write")
    words = parser.parse_args(argv)
    old, new = Path(words.old), Path(words.new)
    if not old.is_file():
        raise ConfigError(f"{words.old!r} must be a .ckpt file or a run.yaml")
    if new.exists():
        raise ConfigError(f"{words.new!r} exists already: name a new file")
    is_yaml = old.suffix in (".yaml", ".yml")
    write, use = (_write_yaml, "--config ") if is_yaml else (_write_checkpoint, "ckpt_path=")
    new.parent.mkdir(parents=True, exist_ok=True)
    write(old, new)
    print(f"next: textgan fit {use}{shlex.quote(words.new)}")
    return 0


def _write_yaml(old: Path, new: Path) -> None:
    import yaml

    from textgan.checkpoint.upgrade import upgraded_config
    from textgan.file.limits import read_yaml

    try:
        config = read_yaml(old)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise ConfigError(f"{old} must be a run.yaml: a mapping with a model")
    with whole(new) as beside:
        text = yaml.safe_dump(upgraded_config(config), allow_unicode=True, sort_keys=False)
        beside.write_text(text, encoding="utf-8")


def _write_checkpoint(old: Path, new: Path) -> None:
    import torch

    from textgan.checkpoint.reading import FORMAT_VERSION, read_checkpoint

    try:
        checkpoint = read_checkpoint(old)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    checkpoint["textgan"]["format_version"] = FORMAT_VERSION
    with whole(new, durable=True) as beside:
        torch.save(checkpoint, beside)
