"""Model cards: the `README.md` of a saved pipeline."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import ModelCardData
from torch import Tensor

from textgan.comparison.digits import count, interval, significant
from textgan.comparison.stored import read
from textgan.file.atomic import whole
from textgan.image import captioned_grid, save_png
from textgan.pretrained.frozen import weights_hash
from textgan.pretrained.hub import CARD
from textgan.pretrained.part import Part

GRID = "grid.png"
_COLUMNS = 4
_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


@dataclass
class Card:
    """The content of a model card that the pipeline itself does not know.

    Args:
        captions: captions of the grid; one image is generated for each.
        name: the argument of `from_pretrained` that loads the pipeline; None means the name of the
            folder, or of the repository on the hub.
        evaluation: an `evaluation.json` of this pipeline, whose numbers are shown.
        data: a description of the training data and its terms.
        licence: of the weights, as the hub names it, such as "mit", "apache-2.0" or "other".
        command: the command line of the training.
        tags: further words for the hub's search.
        seed: of the grid's images.

    Raises:
        ValueError: the licence is no such word.
    """

    captions: str | Iterable[str]
    name: str | None = None
    evaluation: str | Path | None = None
    data: str | None = None
    licence: str | None = None
    command: str | None = None
    tags: Sequence[str] = ()
    seed: int = 0

    def __post_init__(self):
        if self.licence is not None and not _LICENCE.fullmatch(self.licence):
            raise ValueError(
                f'licence must be a word like "mit" or "apache-2.0", got {self.licence!r}'
            )
        one = isinstance(self.captions, str)
        self.captions = [self.captions] if one else list(self.captions)
        self.tags = [self.tags] if isinstance(self.tags, str) else list(self.tags)

    def write(self, folder: Path, pipeline: Part, images: Tensor) -> Path:
        """Write `README.md` and `grid.png` into the folder of a saved pipeline -> `README.md`.

        The images (B, C, H, W) in [-1, 1] are one for each caption.

        Raises:
            ConfigError: the evaluation cannot be read.
            ValueError: the evaluation has other weights.
        """
        name = " ".join((self.name or folder.resolve().name).split())
        sections = {
            "Usage": _code(name, self.captions[0]),
            "Training": self._origin(),
            "Evaluation": self._numbers(pipeline),
        }
        front = ModelCardData(
            library_name="textgan",
            pipeline_tag="text-to-image",
            license=self.licence,
            tags=["textgan", *self.tags],
            widget=[{"text": caption} for caption in self.captions if caption.strip()],
        )
        summary = _summary(pipeline, images, self.seed)
        text = f"---\n{front.to_yaml()}\n---\n\n# {name}\n\n{summary}\n"
        text += "".join(f"\n## {title}\n\n{body}\n" for title, body in sections.items() if body)
        folder.mkdir(parents=True, exist_ok=True)
        save_png(captioned_grid(images, self.captions, columns=_COLUMNS), folder / GRID)
        with whole(folder / CARD) as beside:
            beside.write_text(text, encoding="utf-8")
        return folder / CARD

    def _origin(self) -> str:
        lines = [
            f"Training data: {self.data or 'not stated'}",
            f"Licence of the weights: {self.licence or 'not stated'}",
        ]
        if self.command is not None:
            longest = max(map(len, re.findall("`+", self.command)), default=0)
            fence = "`" * max(3, longest + 1)  # longer than the backticks in the command
            code = f"{fence}bash\n{self.command.strip()}\n{fence}"
            lines.append(f"The command of the training:\n\n{code}")
        return "\n\n".join(lines)

    def _numbers(self, pipeline: Part) -> str | None:
        """The numbers of the evaluation as a table, and the data of the evaluation."""
        if self.evaluation is None:
            return None
        content = read(self.evaluation)
        theirs, ours = content["model"]["weights_sha256"], weights_hash(pipeline)
        if theirs != ours:
            rule = f"evaluation must be of the pipeline's own weights, {ours:.12}"
            raise ValueError(f"{rule}, got those of {theirs:.12} in {self.evaluation}")
        rows = [
            f"| `{name}` | {significant(number['value'])} | "
            f"{interval(number.get('low'), number.get('high'))} | {_spread(number)} | "
            f"{count(number.get('n'))} |"
            for name, number in content["numbers"].items()
        ]
        data = content["data"]
        measured = f"{count(data.get('pictures'))} images of `{data.get('class')}`"
        return (
            "| number | value | 95 % interval | spread | n |\n|---|---|---|---|---|\n"
            + "\n".join(rows)
            + f"\n\nMeasured by `textgan test` on {measured} ({data.get('split')})."
        )


def _spread(number: dict[str, float | None]) -> str:
    spread = number.get("spread")
    return "" if spread is None else significant(spread)


def _summary(pipeline: Part, images: Tensor, seed: int) -> str:
    height, width = images.shape[-2:]
    parameters = sum(weight.numel() for weight in pipeline.parameters())
    kind, digest = type(pipeline).__name__, weights_hash(pipeline)
    return (
        f"Generates images of {width} x {height} pixels from captions: a `{kind}` of textgan with "
        f"{parameters:,} parameters (SHA-256 of the weights: `{digest[:16]}`).\n\n"
        f"![samples]({GRID})\n\n"
        f"*One sample of each of these captions with seed {seed}, not selected.*"
    )


def _code(name: str, caption: str) -> str:
    return (
        "```python\n"
        "from textgan.pipeline import TextToImagePipeline\n\n"
        f"pipe = TextToImagePipeline.from_pretrained({json.dumps(name, ensure_ascii=False)})\n"
        f'pipe({json.dumps(caption, ensure_ascii=False)}).images[0].save("sample.png")\n'
        "```"
    )
