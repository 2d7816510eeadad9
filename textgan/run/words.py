"""Words of a command after the verb, sorted by the grammar that reads them."""

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
    """Words after the verb: Hydra's overrides and flags, LightningCLI's options, and trust."""

    overrides: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    trust: list[str] = field(default_factory=list)

    @property
    def sweep(self) -> bool:
        """Whether Hydra runs several jobs."""
        return "-m" in self.flags or "--multirun" in self.flags

    @property
    def inspecting(self) -> bool:
        """Whether Hydra only shows information."""
        return any(flag.split("=")[0] in _INSPECTING for flag in self.flags)

    def has_option(self, *names: str) -> bool:
        """Return whether one of these options of LightningCLI is given."""
        return any(option.split("=")[0] in names for option in self.options)

    def with_home_folders(self) -> list[str]:
        """Return the options with `~/` and `~user` at the start of a value expanded.

        Every value is expanded, because only LightningCLI knows which of the options are paths.
        """
        found = []
        for option in self.options:
            name, equals, value = option.partition("=") if option[:1] == "-" else ("", "", option)
            found.append(f"{name}{equals}{value if value == '~' else expanded(value)}")
        return found

    def flag_value(self, *names: str) -> str | None:
        """Return the value of the first of these flags of Hydra; None if none is given."""
        for place, flag in enumerate(self.flags):
            name, equals, value = flag.partition("=")
            if name in names:
                return value if equals else self.flags[place + 1]
        return None

    def pairs(self) -> list[tuple[str, str | None]]:
        """Return the options as (name without dashes, value); a bare flag has the value None."""
        found, queue = [], list(self.options)
        while queue:
            name, equals, value = queue.pop(0).partition("=")
            has_value = equals or name in _LIGHTNING_FLAGS
            text = (value if equals else None) if has_value else queue.pop(0)
            found.append((name.lstrip("-"), text))
        return found


def split(argv: list[str]) -> Words:
    """Sort the words after the verb; raise ConfigError for a word of neither grammar."""
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
