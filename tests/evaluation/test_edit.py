from textgan.evaluation.edit import WordSwap

CAPTIONS = [
    "a large red circle above a small blue square",
    "a large blue circle above a small red square",
    "a small green circle above a large red square",
    "two dogs run",
    "two cats run",
]


def changed(before: str, after: str) -> list[tuple[str, str]]:
    pairs = zip(before.split(), after.split(), strict=True)
    return [(one, other) for one, other in pairs if one != other]


def test_one_word_changes_into_one_that_stands_between_the_same_words_elsewhere():
    swap = WordSwap(CAPTIONS)
    seen = set()
    for key in range(40):
        ((before, after),) = changed(CAPTIONS[0], swap(CAPTIONS[0], key))
        seen.add((before, after))
    # "a _ red" has large and small, "large _ circle" red and blue, and so on for the square
    assert seen == {("large", "small"), ("red", "blue"), ("small", "large"), ("blue", "red")}
    assert changed(CAPTIONS[3], swap(CAPTIONS[3], 0)) == [("dogs", "cats")]


def test_without_such_a_place_a_word_that_follows_the_same_word_is_taken():
    ((before, after),) = changed("a large hat", WordSwap(CAPTIONS)("a large hat", 0))
    assert (before, after) in {
        ("a", "two"),
        ("large", "small"),
        ("hat", "red"),
        ("hat", "blue"),
    }


def test_a_caption_without_any_other_word_stays():
    assert WordSwap([])("anything at all", 0) == "anything at all"
    assert WordSwap(["one"])("one", 0) == "one"
    assert WordSwap(CAPTIONS)("", 0) == ""


def test_the_key_decides_and_neither_the_order_of_captions_nor_their_case():
    one, other = WordSwap(CAPTIONS), WordSwap([text.upper() for text in reversed(CAPTIONS)])
    edits = [one(CAPTIONS[0], 1, key) for key in range(20)]
    assert edits == [other(CAPTIONS[0], 1, key) for key in range(20)]
    assert len(set(edits)) > 1
