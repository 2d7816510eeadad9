import os
from pathlib import Path

import pytest
from PIL import Image

from textgan.pipeline import ContrastivePipeline

LABELS = ["red circle", "blue square", "green star"]


@pytest.fixture
def pictures(tmp_path):
    """Two picture files."""
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
    textgan, pictures, contrastive, templates
):
    words = [word for template in templates for word in ("--template", template)]
    labels = " , ".join(LABELS)  # spaces beside a comma are not meant
    status, out, err = textgan(
        "classify", *pictures, "--labels", labels, "--model", str(contrastive), *words
    )
    assert status == 0, err
    images = [Image.open(path) for path in pictures]
    options = {"templates": templates} if templates else {}
    expected = ContrastivePipeline.from_pretrained(contrastive).classify(images, LABELS, **options)
    found = printed(out)
    assert [*found] == pictures
    for rows, row in zip(found.values(), expected.tolist(), strict=True):
        best_first = sorted(zip(row, LABELS, strict=True), reverse=True)
        assert [label for _, label in rows] == [label for _, label in best_first]
        assert [p for p, _ in rows] == pytest.approx([p for p, _ in best_first], abs=5.1e-4)


def test_a_model_that_draws_is_refused_in_one_sentence(textgan, pictures, drawing):
    status, out, err = textgan("classify", *pictures, "--labels", "a,b", "--model", str(drawing))
    assert (status, out) == (2, "")
    assert "holds a GANPipeline; one that compares pictures with texts is trained by" in err
    assert len(err.splitlines()) == 1


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
        (["--labels", "a,b", "--max_megapixels", "nan"], "--max_megapixels must be positive"),
        (["none.png", "--labels", "a,b"], "picture 'none.png' cannot be read: No such file"),
        (["text.png", "--labels", "a,b"], "picture 'text.png' cannot be read: it is not an image"),
    ],
)
def test_a_mistake_is_one_sentence(textgan, pictures, contrastive, words, said):
    Path("text.png").write_text("no picture")
    os.mkfifo("pipe.png")
    status, out, err = textgan("classify", pictures[0], *words, "--model", str(contrastive))
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
