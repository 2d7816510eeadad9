"""The words after the verb, sorted by the grammar that reads them."""

from dataclasses import dataclass, field

from textgan.errors import ConfigError
from textgan.file.home import expanded

_HYDRA_FLAGS = {
    **dict.fromkeys(("-m", "--multirun", "-r", "--run", "--resolve", "--hydra-help"), 0),
    **dict.fromkeys(
        ("--cfg", "-p", "--package", "-cn", "--config-name", "-cp", "--config-path"), 1
    ),
    **dict.fromkeys(("-cd", "--config-dir", "-i", "--info", "-sc", "--shell-completion"), 1),
}
_INFOS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
_ALLOWED = {"--cfg": ("job", "hydra", "all"), "--info": _INFOS, "-i": _INFOS}
_LIGHTNING_FLAGS = ("-h", "--help", "--help_all", "--print_config")
_INSPECTING = ("--cfg", "--info", "-i", "-sc", "--shell-completion", "--hydra-help")


@dataclass
class Words:
    """The words after the verb, by who reads them; `trust` has the packages that are trusted."""

    overrides: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    trust: list[str] = field(default_factory=list)

    @property
    def sweep(self) -> bool:
        """Whether Hydra is to run several jobs."""
        return "-m" in self.flags or "--multirun" in self.flags

    @property
    def inspecting(self) -> bool:
        """Whether Hydra only shows something."""
        return any(flag.split("=")[0] in _INSPECTING for flag in self.flags)

    def has_option(self, *names: str) -> bool:
        """Whether one of these options of Lightning's is among them."""
        return any(option.split("=")[0] in names for option in self.options)

    def at_home(self) -> list[str]:
        """The options with home folders in place of `~/` and `~user` at the start of a value.

        LightningCLI alone reads these options, so that nobody knows here which of them are paths.
        """
        found = []
        for option in self.options:
            name, equals, value = option.partition("=") if option[:1] == "-" else ("", "", option)
            found.append(f"{name}{equals}{value if value == '~' else expanded(value)}")
        return found

    def flag_value(self, *names: str) -> str | None:
        """The value of the first of these flags of Hydra's; None where none is given."""
        for place, flag in enumerate(self.flags):
            name, equals, value = flag.partition("=")
            if name in names:
                return value if equals else self.flags[place + 1]
        return None

    def pairs(self) -> list[tuple[str, str | None]]:
        """The options as (name without dashes, value); the value of a bare flag is None."""
        found, queue = [], list(self.options)
        while queue:
            name, equals, value = queue.pop(0).partition("=")
            has_value = equals or name in _LIGHTNING_FLAGS
            text = (value if equals else None) if has_value else queue.pop(0)
            found.append((name.lstrip("-"), text))
        return found


def split(argv: list[str]) -> Words:
    """Sort the words after the verb.

    Raises:
        ConfigError: a word that neither grammar has.
    """
    words, queue = Words(), list(argv)
    while queue:
        word = queue.pop(0)
        name = word.split("=")[0]
        if name in _HYDRA_FLAGS:
            target, values = words.flags, _HYDRA_FLAGS[name]
        elif name == "--trust":
            target, values = words.trust, 1
        elif word.startswith("--") or word in ("-c", "-h"):
            target, values = words.options, 0 if name in _LIGHTNING_FLAGS else 1
        elif "=" in word or word.startswith("~"):
            target, values = words.overrides, 0
        else:
            raise ConfigError(f"{word!r} is neither key=value nor --key value")
        target.append(word)
        if values and "=" not in word:
            if not queue:
                raise ConfigError(f"{word} needs a value")
            target.append(queue.pop(0))
        allowed = _ALLOWED.get(name)
        if allowed is not None and (value := target[-1].removeprefix(f"{name}=")) not in allowed:
            raise ConfigError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    words.trust = [word.removeprefix("--trust=") for word in words.trust if word != "--trust"]
    return words
