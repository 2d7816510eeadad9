"""Arguments of parts in files of earlier releases, as this release names them."""

from typing import Any

_SHAPED = {
    "textgan.generator.attention.AttentionGenerator",
    "textgan.discriminator.projection.ProjectionDiscriminator",
    "textgan.posterior.convolution.ConvolutionPosterior",
}
"""Classes that had `image_size` and `channels` where they have `sample_shape` now."""


def upgraded_arguments(node: Any, links: dict[str, Any] | None = None, place: str = "") -> Any:
    """A copy of a configuration in which every part has the arguments that it has now.

    Args:
        node: dicts, lists and scalars; a part is `{_target_: C, a: 1}` or
            `{class_path: C, init_args: {a: 1}}`.
        links: dotted places of settings that are interpolations; changed in place.
        place: the dotted place of `node`.
    """
    if isinstance(node, list):
        return [upgraded_arguments(item) for item in node]
    if not isinstance(node, dict):
        return node
    links = {} if links is None else links
    below = {key: place if key == "init_args" else f"{place}.{key}".strip(".") for key in node}
    node = {key: upgraded_arguments(value, links, below[key]) for key, value in node.items()}
    target = node.get("_target_", node.get("class_path"))
    if isinstance(target, str) and target in _SHAPED:
        if "init_args" in node:
            node["init_args"] = _with_sample_shape(node["init_args"], links, place)
        else:
            node = _with_sample_shape(node, links, place)
    return node


def _with_sample_shape(arguments: Any, links: dict[str, Any], place: str) -> Any:
    """Image size and channels as `sample_shape`, in the arguments and in the links."""
    if not isinstance(arguments, dict) or "image_size" not in arguments:
        return arguments
    sizes = {"channels": arguments.get("channels", 3), "image_size": arguments["image_size"]}
    linked = {name: links.pop(f"{place}.{name}", sizes[name]) for name in sizes}
    if linked != sizes:
        channels, size = linked.values()
        links[f"{place}.sample_shape"] = f"[{channels}, {size}, {size}]"
    shape = [sizes["channels"], sizes["image_size"], sizes["image_size"]]
    others = {key: value for key, value in arguments.items() if key not in sizes}
    return {**others, "sample_shape": shape}
