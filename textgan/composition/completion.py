"""Candidates of the shell's tab completion.

It uses a private method of Hydra, `DefaultCompletionPlugin._query`, and breaks with a release that
renames it; then test_completion_names_verbs_choices_and_settings in tests/cli/test_main.py fails.
"""

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.completion_plugin import DefaultCompletionPlugin

from textgan.composition.conf_folder import conf_folder
from textgan.composition.folder import SECTIONS
from textgan.run.verbs import LIGHTNING_VERBS, commands


def candidates(line: str) -> list[str]:
    """Return the verbs, choices and settings that complete the last word of a line."""
    typed = line.split()
    word = "" if line.endswith(" ") or not typed else typed.pop()
    verb, *words = typed[1:] or [None]
    if verb is None:
        return [name for name in (*LIGHTNING_VERBS, *commands()) if name.startswith(word)]
    if verb not in LIGHTNING_VERBS:
        return []
    dashes = "--" if word.startswith("-") else ""
    before = [o for o in words if "=" in o and not o.startswith("-")]
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        plugin = DefaultCompletionPlugin(GlobalHydra.instance().config_loader())
        found = plugin._query("config", " ".join([*before, word.lstrip("-")]))
    if dashes:
        found = [name for name in found if name.rstrip("=.").partition(".")[0] in SECTIONS]
    return [f"{dashes}{name}" for name in found if not name.startswith(("hydra", "_"))]
