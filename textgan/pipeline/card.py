"""What a stranger should know of a pipeline before drawing with it: its model card."""

import json
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCardData
from torch import Tensor

from textgan.frozen import weights_hash
from textgan.gate import Limits, read_json
from textgan.hub import CARD, upload
from textgan.image import captioned_grid, save_png
from textgan.whole_file import whole

if TYPE_CHECKING:
    from textgan.pipeline.base import TextToImagePipeline

GRID = "grid.png"
_EVALUATION_VERSION = 1
_EVALUATION_BYTES = 10_000_000
_COLUMNS = 4
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


def save_card(
    pipeline: "TextToImagePipeline",
    folder: str | Path,
    *,
    captions: str | Iterable[str],
    name: str | None = None,
    evaluation: str | Path | None = None,
    data: str | None = None,
    licence: str | None = None,
    command: str | None = None,
    tags: Sequence[str] = (),
    seed: int = 0,
) -> Path:
    """Write `README.md` and `grid.png` into the folder of a saved pipeline.

    Args:
        pipeline: what is saved there.
        folder: where `save_pretrained` wrote.
        captions: what is drawn for the grid, in one draw each.
        name: what `from_pretrained` is to be given to load it; None means the folder's own name.
        evaluation: an `evaluation.json` of this very pipeline, whose numbers are shown.
        data: what it was trained on and under which terms, in a sentence or a few.
        licence: of the weights, by the hub's word for it, such as "mit", "apache-2.0" or "other".
        command: the command line that trained it.
        tags: further words by which the hub finds it.
        seed: of the draws.

    Returns:
        The path of `README.md`.

    Raises:
        FileNotFoundError: there is no such evaluation.
        ValueError: the evaluation is broken, or of other weights; the licence is no word; there are
            no captions.
    """
    folder = Path(folder)
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise ValueError(f'licence must be a word like "mit" or "apache-2.0", got {licence!r}')
    numbers = None if evaluation is None else _numbers(Path(evaluation), pipeline)
    captions = [captions] if isinstance(captions, str) else list(captions)
    images = pipeline(captions, seed=seed, output_type="pt").images
    name = " ".join((name or folder.resolve().name).split())
    sections = {
        "Draw with it": _code(name, captions[0]),
        "Where it comes from": _origin(data, licence, command),
        "How good it is": numbers,
    }
    front = ModelCardData(
        library_name="textgan",
        pipeline_tag="text-to-image",
        license=licence,
        tags=["textgan", *([tags] if isinstance(tags, str) else tags)],
        widget=[{"text": caption} for caption in captions if caption.strip()],
    )
    text = f"---\n{front.to_yaml()}\n---\n\n# {name}\n\n{_what(pipeline, images, seed)}\n"
    text += "".join(f"\n## {title}\n\n{said}\n" for title, said in sections.items() if said)
    folder.mkdir(parents=True, exist_ok=True)
    save_png(captioned_grid(images, captions, columns=_COLUMNS), folder / GRID)
    with whole(folder / CARD) as beside:
        beside.write_text(text, encoding="utf-8")
    return folder / CARD


def push_to_hub(
    pipeline: "TextToImagePipeline",
    repo_id: str,
    *,
    captions: str | Iterable[str],
    private: bool = False,
    commit_message: str | None = None,
    evaluation: str | Path | None = None,
    data: str | None = None,
    licence: str | None = None,
    command: str | None = None,
    tags: Sequence[str] = (),
) -> str:
    """Publish a pipeline with its model card on the Hugging Face Hub.

    Whoever runs it must be logged in there (`hf auth login`).

    Args:
        pipeline: what is published.
        repo_id: `owner/name`, made if need be.
        captions: what is drawn for the card.
        private: whether only its owner may see it.
        commit_message: None names this version of textgan.
        evaluation: an `evaluation.json` of this very pipeline.
        data: what it was trained on and under which terms.
        licence: of the weights, by the hub's word for it.
        command: the command line that trained it.
        tags: further words by which the hub finds it.

    Returns:
        The repository's address.

    Raises:
        FileNotFoundError, ValueError: as in `save_card` and `textgan.hub.upload`.
        ConnectionError: the hub cannot be reached, or refuses.
    """
    with TemporaryDirectory() as folder:
        pipeline.save_pretrained(folder)
        save_card(
            pipeline,
            folder,
            captions=captions,
            name=repo_id,
            evaluation=evaluation,
            data=data,
            licence=licence,
            command=command,
            tags=tags,
        )
        return upload(folder, repo_id, private=private, commit_message=commit_message)


def _what(pipeline: "TextToImagePipeline", images: Tensor, seed: int) -> str:
    height, width = images.shape[-2:]
    parameters = sum(weight.numel() for weight in pipeline.parameters())
    kind, digest = type(pipeline).__name__, weights_hash(pipeline)
    return (
        f"Draws pictures of {width} x {height} pixels from captions: a `{kind}` of textgan with "
        f"{parameters:,} parameters (weights' SHA-256 `{digest[:16]}`).\n\n"
        f"![pictures that it drew]({GRID})\n\n"
        f"*One draw of each of these captions with seed {seed}, none left out.*"
    )


def _code(name: str, caption: str) -> str:
    return (
        "```python\n"
        "from textgan.pipeline import TextToImagePipeline\n\n"
        f"pipe = TextToImagePipeline.from_pretrained({json.dumps(name, ensure_ascii=False)})\n"
        f'pipe({json.dumps(caption, ensure_ascii=False)}).images[0].save("drawn.png")\n'
        "```"
    )


def _origin(data: str | None, licence: str | None, command: str | None) -> str:
    lines = [
        f"Training data: {data or 'not stated'}",
        f"Licence of the weights: {licence or 'not stated'}",
    ]
    if command is not None:
        longest = max(map(len, re.findall("`+", command)), default=0)
        fence = "`" * max(3, longest + 1)  # ends at no backticks of the command
        lines.append(f"The command that trained it:\n\n{fence}bash\n{command.strip()}\n{fence}")
    return "\n\n".join(lines)


def _numbers(file: Path, pipeline: "TextToImagePipeline") -> str:
    """The numbers of an `evaluation.json`, as a table, and what they rest on."""
    content = _read(file)
    model, data = content["model"], content["data"]
    ours = weights_hash(pipeline)
    if model.get("weights_sha256") != ours:
        rule = f"evaluation must be of the pipeline's own weights, {ours:.12}"
        raise ValueError(f"{rule}, got those of {model.get('weights_sha256')!s:.12} in {file}")
    rows = [
        f"| `{name}` | {_figure(number['value'])} | {_interval(number)} | "
        f"{_figure(number.get('spread'))} | {_count(number.get('n'))} |"
        for name, number in content["numbers"].items()
    ]
    measured = f"{_count(data.get('pictures'))} pictures of `{data.get('class')}`"
    return (
        "| number | value | 95 % interval | spread | n |\n|---|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\nMeasured by `textgan test` on {measured} ({data.get('split')})."
    )


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(f"evaluation must be an evaluation.json, got {str(file)!r}")
    content = read_json(
        file, most=_EVALUATION_BYTES, limits=Limits(letters=_EVALUATION_BYTES, finite=False)
    )
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != _EVALUATION_VERSION:
        rule = f"{file} must be an evaluation of format version {_EVALUATION_VERSION}"
        raise ValueError(f"{rule}, got {version!r}")
    wrong = [name for name in ("model", "data", "numbers") if not _is_object(content.get(name))]
    if wrong:
        raise ValueError(f"{file} must have an object under {wrong[0]!r}")
    for name, number in content["numbers"].items():
        value = number.get("value") if _is_object(number) else None
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{file} must have a finite value for {name!r}, got {value!r}")
    return content


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _interval(number: dict[str, Any]) -> str:
    low, high = number.get("low"), number.get("high")
    return "" if low is None or high is None else f"{_figure(low)} to {_figure(high)}"


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"
