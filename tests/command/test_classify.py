import os
from pathlib import Path

import pytest
from PIL import Image

from textgan.pipeline import ContrastivePipeline

LABELS = ["red circle", "blue square", "green star"]


@pytest.fixture
def image_files(tmp_path):
    """Two image files."""
    for colour in ("red", "blue"):
        Image.new("RGB", (20, 30), colour).save(tmp_path / f"{colour}.png")
    return ["red.png", "blue.png"]


def printed(out: str) -> dict[str, list[tuple[float, str]]]:
    """What was printed: path -> (probability, label), in this order."""
    found: dict[str, list[tuple[float, str]]] = {}
    for line in out.splitlines():
        if not line.startswith(" "):
            found[line] = rows = []
        else:
            probability, label = line.split(maxsplit=1)
            rows.append((float(probability), label))
    return found


@pytest.mark.parametrize("templates", [[], ["a {}"], ["a {}", "the {} of x"]])
def test_labels_are_printed_best_first_with_the_probabilities_of_the_pipeline(
    textgan, image_files, contrastive, templates
):
    words = [word for template in templates for word in ("--template", template)]
    labels = " , ".join(LABELS)  # spaces beside a comma are not meant
    status, out, err = textgan(
        "classify", *image_files, "--labels", labels, "--model", str(contrastive), *words
    )
    assert status == 0, err
    images = [Image.open(path) for path in image_files]
    options = {"templates": templates} if templates else {}
    expected = ContrastivePipeline.from_pretrained(contrastive).classify(images, LABELS, **options)
    found = printed(out)
    assert [*found] == image_files
    for rows, row in zip(found.values(), expected.tolist(), strict=True):
        best_first = sorted(zip(row, LABELS, strict=True), reverse=True)
        assert [label for _, label in rows] == [label for _, label in best_first]
        assert [p for p, _ in rows] == pytest.approx([p for p, _ in best_first], abs=5.1e-4)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--labels", "a,,b"], "labels must be all different and none empty, got ['a', '', 'b']"),
        (["--labels", "a,a"], "labels must be all different"),
        (["--labels", "a,b", "--template", "a photo"], "exactly one \"{}\", got 'a photo'"),
        (["pipe.png", "--labels", "a,b"], "cannot be read: it must be a regular file, and is a p"),
        (
            ["--labels", "a,b", "--max_megapixels", "0.0001"],
            "20 x 30 pixels are more than max_megapixels = 0.0001",
        ),
        (["--labels", "a,b", "--max_megapixels", "nan"], "--max_megapixels: must be positive"),
        (["none.png", "--labels", "a,b"], "image 'none.png' cannot be read: No such file"),
        (["text.png", "--labels", "a,b"], "image 'text.png' cannot be read: it is not an image"),
    ],
)
def test_a_mistake_is_one_sentence(refused, image_files, contrastive, words, said):
    Path("text.png").write_text("no image")
    os.mkfifo("pipe.png")
    assert said in refused("classify", image_files[0], *words, "--model", str(contrastive))
