"""Print a script for tab completion in the shell: eval "$(textgan completion bash)"."""

from textgan.command._parser import Parser

_BASH = """\
_textgan_complete() {
    local line="${COMP_LINE:0:$COMP_POINT}"
    local word="${line##* }"
    COMPREPLY=($(textgan completion query "$line" 2>/dev/null))
    if [ ${#COMPREPLY[@]} -eq 0 ]; then
        COMPREPLY=($(compgen -f -- "${word##*=}"))
    fi
    # Bash treats the text after a '=' or ':' as a word of its own, and replaces only that.
    local cut="${word%"${word##*[=:]}"}"
    COMPREPLY=("${COMPREPLY[@]#"$cut"}")
    if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" != *[=./] ]]; then compopt +o nospace; fi
}
complete -o nospace -F _textgan_complete textgan
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + _BASH


def main(argv: list[str]) -> int:
    """`textgan completion bash|zsh`: print the script; `query LINE`: print candidates."""
    parser = Parser("textgan completion", description=__doc__)
    parser.add_argument("shell", choices=["bash", "zsh", "query"])
    parser.add_argument("line", nargs="?", default="", help="the typed line (query only)")
    words = parser.parse_args(argv)
    if words.shell == "query":
        from textgan.composition.completion import candidates

        print("\n".join(candidates(words.line)))
    else:
        print(_BASH if words.shell == "bash" else _ZSH, end="")
    return 0
