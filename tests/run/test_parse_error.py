import pytest

from textgan.run.parse_error import explain

NESTED = """Parser key "model":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'LightningModule'>, <class 'NoneType'>]
  Errors:
    - Problem with given class_path 'collections.Counter':
        Parser key "lr":
          {reason}
    - Expected a <class 'NoneType'>
  Given value type: <class 'dict'>
  Given value: {{'a': 1}}"""

UNION = """Parser key "trainer.max_epochs":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'int'>, <class 'NoneType'>]
  Errors:
    - Expected a <class 'int'>
    - Expected a <class 'NoneType'>
  Given value type: <class 'str'>
  Given value: abc"""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            NESTED.format(reason="Expected a <class 'float'>. Got value: abc"),
            "model.lr must be float, got abc",
        ),
        (NESTED.format(reason="No module named 'x'"), "model.lr: No module named 'x'"),
        (
            NESTED.format(
                reason="Problem with given class_path 'textgan.data.caption_file.CaptionFile':\n"
                "            Option 'pth' is not accepted"
            ),
            "model.lr: CaptionFile has no setting 'pth'; did you mean 'path'?",
        ),
        (
            NESTED.format(reason="the following arguments are required: a, b"),
            "model.lr: Counter needs a, b",
        ),
        (
            "Subcommand 'fit' does not accept option 'trainer.devises'",
            "no such setting: trainer.devises; did you mean 'trainer.devices'?",
        ),
        (
            "unrecognized arguments: --trainer.devises 3",
            "no such setting: trainer.devises; did you mean 'trainer.devices'?",
        ),
        (
            UNION,
            "trainer.max_epochs must be int, got abc",
        ),
        ("width must be even, got 3", "width must be even, got 3"),
    ],
)
def test_the_reason_and_its_path_make_a_sentence(message, said):
    assert explain(message, ["trainer.devices"]) == said
