"""Conversion of jsonargparse's message about a wrong configuration to one sentence.

The message is a tree of indented lines: every type that the value could have, and why it has none
of them. The sentence is made from the deepest reason, its path and its class. It breaks with other
wording of jsonargparse; then test_parse_error.py and the mistakes in tests/cli/test_main.py fail.
"""

import importlib
import inspect
import re
from dataclasses import dataclass

from textgan.errors import did_you_mean

_NOISE = (
    "Does not validate against",
    "Subtypes:",
    "Errors:",
    "Not a valid subclass",
    "Subclass types expect",
    "a class path (str)",
    "a dict ",
    "Expected a path but",
    "Expected a dot import path",
)
_KEY = re.compile(r'Parser key "([^"]+)":\s*(.*)')
_CLASS = re.compile(r"Problem with given class_path '([^']+)':\s*(.*)")
_CALLABLE = re.compile(r"Type typing\.Callable.* expects a function or a callable class: (.*)")
_EXPECTED = re.compile(r"Expected a (.+?)(?:\. Got value: (.*))?")
_UNKNOWN = re.compile(
    r"(?:Subcommand '\w+' does not accept option '|unrecognized arguments: --)([\w.]+).*"
)
_IN_A_DICT = re.compile(r"(model\.(losses|metrics)|trainer\.(callbacks|logger))\.")


@dataclass
class _Reason:
    path: str
    class_path: str
    depth: int
    text: str


def explain(message: str, known: list[str]) -> str:
    """Return one sentence for a message of jsonargparse or of a constructor that it called.

    The known dotted settings are used for suggestions.
    """
    reasons = _reasons(message)
    if not reasons:
        return " ".join(message.split())
    deepest = max(reason.depth for reason in reasons)
    reasons = [reason for reason in reasons if reason.depth == deepest]
    expected = [found for r in reasons if (found := _EXPECTED.fullmatch(r.text))]
    reason = reasons[0]
    if len(expected) == len(reasons):
        return _mistyped(reason, expected, message)
    reason = next(r for r in reasons if not _EXPECTED.fullmatch(r.text))
    where = f"{reason.path}: " if reason.path else ""
    name = reason.class_path.rpartition(".")[2]
    if found := re.fullmatch(r"Option '([^']+)' is not accepted.*", reason.text):
        inner = re.search(r"class_path='([^']+)'", reason.text)
        class_path = inner[1] if inner else reason.class_path
        name = class_path.rpartition(".")[2]
        hint = did_you_mean(found[1], _arguments(class_path))
        return f"{where}{name} has no setting {found[1]!r}{hint}"
    if found := re.fullmatch(r"the following arguments are required: (.*)", reason.text):
        return f"{where}{name or 'the command'} needs {found[1]}"
    if found := _UNKNOWN.fullmatch(reason.text):
        return f"no such setting: {found[1]}{did_you_mean(found[1], known)}"
    return f"{where}{reason.text}"


def _reasons(message: str) -> list[_Reason]:
    """Return every line that gives a reason, with the keys and the class above it."""
    above: list[tuple[int, str, str]] = []  # (indent, key, class path)
    reasons = []
    for line in message.splitlines():
        text = line.strip().removeprefix("- ")
        if not text:
            continue
        indent = len(line) - len(line.lstrip())
        while above and above[-1][0] >= indent:
            above.pop()
        while text and not text.startswith(("Given value", *_NOISE)):
            if found := _KEY.fullmatch(text):
                above.append((indent, found[1], ""))
            elif found := _CLASS.fullmatch(text):
                above.append((indent, "", found[1]))
            elif not (found := _CALLABLE.fullmatch(text)):
                path = ".".join(key for _, key, _ in above if key)
                class_path = next((c for _, _, c in reversed(above) if c), "")
                if "NoneType" not in text:
                    reasons.append(_Reason(path, class_path, len(above), text))
                break
            text = found[found.lastindex]
    return reasons


def _mistyped(reason: _Reason, expected: list[re.Match], message: str) -> str:
    kinds = " or ".join(dict.fromkeys(_plain_type(found[1]) for found in expected))
    got = expected[0][2] or next(iter(re.findall(r"Given value: (.*)", message)), "")
    # jsonargparse's path leaves out the keys of a dict: the class shows which entry is meant.
    name = reason.class_path.rpartition(".")[2]
    owner = f" of {name}" if _IN_A_DICT.match(reason.path) else ""
    rule = f"{reason.path or 'a setting'}{owner} must be {kinds}"
    return f"{rule}, got {got}" if 0 < len(got) <= 80 else rule


def _plain_type(kind: str) -> str:
    """<class 'int'> -> int; typing.Literal['a', 'b'] -> 'a', 'b'."""
    kind = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", kind)
    return re.sub(r"typing\.Literal\[(.*)\]", r"\1", kind)


def _arguments(class_path: str) -> list[str]:
    module, _, name = class_path.rpartition(".")
    try:
        return [*inspect.signature(getattr(importlib.import_module(module), name)).parameters]
    except (ImportError, AttributeError, ValueError, TypeError):
        return []
