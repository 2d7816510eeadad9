"""The configuration of a run as hyperparameters of its loggers."""

import re
from typing import Any

import pytorch_lightning as pl

_SECRET = re.compile(
    r"(.*_)?(password|passwd|secret|credentials?)"
    r"|(.*_)?(api|access|auth|private|secret|hub|hf|wandb)_?(key|token)|key|token",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_ENVIRONMENT = "oc.env:"


class LogHyperparameters(pl.Callback):
    """Passes the composed configuration to every logger before training or an evaluation starts.

    A model that was not composed by a command line has no configuration, and nothing is logged.
    """

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Lightning calls this before loggers write hparams.yaml, which some write only once."""
        config = getattr(pl_module, "composed_config", None)
        if config is None:
            return
        for logger in trainer.loggers:
            logger.log_hyperparams(hyperparameters(config))
            logger.save()


def hyperparameters(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a composed configuration that loggers show.

    It is nested, as hparams.yaml and Weights & Biases show it; Lightning's TensorBoard logger joins
    the levels by a slash. Values with the name of a secret and the login of a URL (before its @)
    are left out, and an environment variable stays `${oc.env:NAME}`.

    Args:
        config: sections by name as Hydra writes them, and `composition`, whose `scalars` are the
            settings that sections share and whose `links` list the values that are interpolations.

    Returns:
        The shared settings, then the sections.
    """
    composition = config.get("composition") or {}
    sections = {key: value for key, value in config.items() if key != "composition"}
    scalars = {k: v for k, v in composition.get("scalars", {}).items() if k not in sections}
    links = composition.get("links", {})
    return _without_secrets({**scalars, **sections}, links, "")


def _without_secrets(node: Any, links: dict[str, str], path: str) -> Any:
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if not _SECRET.fullmatch(str(key))}
        return {
            key: _without_secrets(value, links, f"{path}.{key}" if path else str(key))
            for key, value in kept.items()
        }
    if isinstance(node, list | tuple):
        return [_without_secrets(item, links, path) for item in node]
    if _ENVIRONMENT in links.get(path, ""):
        return links[path]
    return _LOGIN.sub("", node) if isinstance(node, str) else node
