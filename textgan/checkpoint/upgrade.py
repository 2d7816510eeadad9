"""Convert checkpoints and configurations of earlier releases to the current format."""

from typing import Any

from textgan.file.arguments import upgraded_arguments
from textgan.file.renamed import renamed

_BUDGET_CLASS = "textgan.training.budget.Budget"
_BUDGET_SETTINGS = (
    *("total_images", "warmup_images", "learning_rate_decay_start"),
    *("accumulate_batches", "gradient_clip_norm", "ema_half_life_images"),
)


def upgrade(section: dict[str, Any]) -> None:
    """Convert the section `textgan` of a checkpoint of format 6 or 7 in place, but its version."""
    if section["format_version"] == 6:
        parts = [name for name, part in section["pipeline"].items() if isinstance(part, dict)]
        # Format 6 kept the networks of every pipeline there.
        section["components"] = {name: f"ema.averaged.{name}" for name in parts}
    section["pipeline"] = upgraded_arguments(renamed(section["pipeline"]))
    if section["config"] is not None:
        section["config"] = upgraded_config(section["config"])


def upgraded_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a configuration with the current names and places of classes and settings.

    Args:
        config: as Hydra composes it (`_target_`), or as LightningCLI reads it (`class_path`).
    """
    config = renamed(config)
    composition = config.get("composition")
    links = composition.get("links") if isinstance(composition, dict) else None
    links = links if isinstance(links, dict) else {}
    model = upgraded_arguments(config.get("model"), links, "model")
    if model is not None:
        config["model"] = model
    settings = model.get("init_args", model) if isinstance(model, dict) else {}
    if "total_images" not in settings:  # the budget is a part of its own already
        return config
    budget = {name: settings.pop(name) for name in _BUDGET_SETTINGS if name in settings}
    is_hydra = "_target_" in model
    settings["budget"] = {"_target_": _BUDGET_CLASS, **budget} if is_hydra else budget
    if "compile_generator" in settings:
        settings["compile"] = ["generator"] if settings.pop("compile_generator") else []
    for name in [f"model.{name}" for name in _BUDGET_SETTINGS]:
        if name in links:
            links[name.replace("model.", "model.budget.")] = links.pop(name)
    return config
