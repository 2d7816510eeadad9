"""Interpret the pickle inside a checkpoint without unpickling it.

A closed list of opcodes builds plain values and descriptions of tensors; all others are refused. So
no code runs, and a pickle of a few bytes cannot claim a large amount of memory.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from textgan.file.tensor import StoredTensor

_KINDS = {
    **{"DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16},
    **{"BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32},
    **{"ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8},
    "BoolStorage": torch.bool,
}
_STORAGES = {f"torch {name}" for name in _KINDS}
_ORDERED_DICT, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_GLOBALS = {_ORDERED_DICT, _TENSOR, *_STORAGES}


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    numbers: int


_MARK = object()


class Interpreter:
    """The stack machine of pickle, restricted to the opcodes that `torch.save` writes.

    Args:
        content: the pickle.
        sizes: name -> size in bytes of each storage in the file.
    """

    def __init__(self, content: bytes, sizes: dict[str, int]):
        self.content, self.sizes = content, sizes
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value that the pickle describes.

        Raises:
            ValueError: the pickle is broken, or has an opcode or a global that is not in the list.
        """
        try:
            for code, argument, place in pickletools.genops(self.content):
                if code.name == "STOP":
                    if place + 1 != len(self.content) or len(self.stack) != 1:
                        raise ValueError("its pickle must end where it stops")
                    return self.stack[0]
                operation = _OPCODES.get(code.name)
                if operation is None:
                    raise ValueError(f"its pickle must not use the opcode {code.name}")
                operation(self, argument)
        except (IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"its pickle is broken: {type(error).__name__} {error}") from error
        raise ValueError("its pickle never stops")

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def put(self, place: int) -> None:
        if place > len(self.content):  # an unpickler in C makes a list as long
            raise ValueError(f"its pickle must not remember a value at {place:,}")
        if self.stack[-1] is _MARK:
            raise ValueError("its pickle is broken: a mark is no value")
        self.memo[place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.push(self.memo[place])

    def since_mark(self) -> list[Any]:
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("its pickle is broken: no mark")
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def tuple_of(self, count: int) -> None:
        items = tuple(self.stack[len(self.stack) - count :])
        if len(items) != count:
            raise ValueError("its pickle is broken: the stack is empty")
        del self.stack[len(self.stack) - count :]
        self.push(items)

    def append(self, items: list[Any]) -> None:
        self._top(list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        into = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            plain = isinstance(key, str | int)
            if not plain:
                raise ValueError("its pickle must have strings and whole numbers as keys")
            into[key] = value

    def find_global(self, name: str) -> None:
        if name not in _GLOBALS:
            raise ValueError(f"its pickle must not name {name.replace(' ', '.')!r:.80}")
        self.push(_Global(name))

    def reduce(self) -> None:
        function, arguments = self.stack[-2:]
        del self.stack[-2:]
        if function == _Global(_ORDERED_DICT) and arguments == ():
            self.push({})
        elif function == _Global(_TENSOR) and isinstance(arguments, tuple):
            self.push(_tensor(*arguments))
        else:
            raise ValueError("its pickle must call only functions that make tensors and dicts")

    def build(self) -> None:
        """Drop the `_metadata` of a state dict, which is not needed."""
        state = self.stack.pop()
        self._top(dict)
        if not isinstance(state, dict) or [*state] != ["_metadata"]:
            raise ValueError("its pickle must set no attribute but a state dict's _metadata")

    def persistent(self) -> None:
        reference = tuple(self.stack.pop())
        kind, storage, key, location, numbers = reference if len(reference) == 5 else 5 * (None,)
        name = getattr(storage, "name", "")
        known = kind == "storage" and name in _STORAGES
        if not known or not isinstance(location, str) or not isinstance(key, str):
            raise ValueError("its pickle must refer only to storages")
        dtype = _KINDS[name.removeprefix("torch ")]
        if self.sizes[key] != numbers * dtype.itemsize:
            raise ValueError(f"its storage {key!r:.40} must have as many numbers as it claims")
        self.push(_Storage(dtype, numbers))

    def _top(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"its pickle is broken: no {kind.__name__} to fill")
        return self.stack[-1]


def _tensor(
    storage: _Storage,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    requires_grad: bool,
    hooks: dict[str, Any],
) -> StoredTensor:
    """Describe the tensor that `torch._utils._rebuild_tensor_v2` makes from these arguments."""
    plain = isinstance(storage, _Storage) and isinstance(requires_grad, bool) and hooks == {}
    sizes = (offset, *shape, *strides)
    if not plain or len(sizes) > 33 or any(type(size) is not int or size < 0 for size in sizes):
        rule = "describe tensors by at most 16 sizes and strides of at least 0"
        raise ValueError(f"its pickle must {rule}")
    found = StoredTensor(shape, storage.dtype)
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    inside = last < storage.numbers and found.numbers <= storage.numbers
    if offset > storage.numbers or (found.numbers and not inside):
        raise ValueError("its tensors must lie inside their storage")
    return found


_OPCODES: dict[str, Callable[[Interpreter, Any], None]] = {
    "PROTO": lambda machine, version: None,
    "MARK": lambda machine, _: machine.push(_MARK),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
        Interpreter.push,
    ),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), Interpreter.put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), Interpreter.get),
    "GLOBAL": Interpreter.find_global,
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.persistent(),
}
