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
    """What a model card says beside what the pipeline itself knows.

    Args:
        captions: captions of the grid; one image is generated for each.
        name: what `from_pretrained` is to be given to load the pipeline; None means the name of the
            folder, or of the repository on the hub.
        evaluation: an `evaluation.json` of this very pipeline, whose numbers are shown.
        data: what it was trained on and under which terms, in a sentence or a few.
        licence: of the weights, by the hub's word for it, such as "mit", "apache-2.0" or "other".
        command: the command line that trained it.
        tags: further words by which the hub finds it.
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
        """Write `README.md` and `grid.png` into the folder of a saved pipeline.

        Args:
            folder: where it was saved.
            pipeline: what was saved.
            images: (B, C, H, W) in [-1, 1], one for each caption.

        Returns:
            The path of `README.md`.

        Raises:
            ConfigError: the evaluation cannot be read.
            ValueError: the evaluation is of other weights.
        """
        name = " ".join((self.name or folder.resolve().name).split())
        sections = {
            "Draw with it": _code(name, self.captions[0]),
            "Where it comes from": self._origin(),
            "How good it is": self._numbers(pipeline),
        }
        front = ModelCardData(
            library_name="textgan",
            pipeline_tag="text-to-image",
            license=self.licence,
            tags=["textgan", *self.tags],
            widget=[{"text": caption} for caption in self.captions if caption.strip()],
        )
        what = _what(pipeline, images, self.seed)
        text = f"---\n{front.to_yaml()}\n---\n\n# {name}\n\n{what}\n"
        text += "".join(f"\n## {title}\n\n{said}\n" for title, said in sections.items() if said)
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
            fence = "`" * max(3, longest + 1)  # ends at no backticks of the command
            code = f"{fence}bash\n{self.command.strip()}\n{fence}"
            lines.append(f"The command that trained it:\n\n{code}")
        return "\n\n".join(lines)

    def _numbers(self, pipeline: Part) -> str | None:
        """The numbers of the evaluation as a table, and the data that they were measured on."""
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
        measured = f"{count(data.get('pictures'))} pictures of `{data.get('class')}`"
        return (
            "| number | value | 95 % interval | spread | n |\n|---|---|---|---|---|\n"
            + "\n".join(rows)
            + f"\n\nMeasured by `textgan test` on {measured} ({data.get('split')})."
        )


def _spread(number: dict[str, float | None]) -> str:
    spread = number.get("spread")
    return "" if spread is None else significant(spread)


def _what(pipeline: Part, images: Tensor, seed: int) -> str:
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
