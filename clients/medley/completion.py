"""`medley completion`: what a shell needs to complete our commands.

Typer answers a shell that calls `medley` with `VARIABLE` set, and finds the words in the registry
(`medley_registry.commands.completing`). Its own script for bash does not see that bash breaks words
at ``:`` and ``@``, of which our references are full. So all scripts here give the line as it is,
by the way Typer has for fish, and the one for bash takes away what was broken off.
"""

import os
from typing import Annotated, Literal

import typer

VARIABLE = "_MEDLEY_COMPLETE"
# Which goes where the scripts say ASK.
_ASK = f'{VARIABLE}=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS="$line"'

_BASH = r"""_medley_completion() {
    local line="${COMP_LINE:0:COMP_POINT}" value help break
    local word="${line##*[[:space:]]}" rest
    rest="$word"
    for break in : @ =; do
        case "$COMP_WORDBREAKS" in *"$break"*) rest="${rest##*"$break"}" ;; esac
    done
    COMPREPLY=()
    while IFS=$'\t' read -r value help; do
        [[ -n $value ]] && COMPREPLY+=("${value#"${word%"$rest"}"}")
    done < <(ASK "$1" 2>/dev/null)
}
complete -o default -F _medley_completion medley
"""
_ZSH = r"""#compdef medley
_medley() {
    local line="${words[1,CURRENT]}" value help
    local -a offers
    while IFS=$'\t' read -r value help; do
        [[ -n $value ]] && offers+=("${value//:/\\:}${help:+:$help}")
    done < <(ASK medley 2>/dev/null)
    if (( $#offers )); then _describe -V medley offers; else _files; fi
}
compdef _medley medley
"""
_FISH = r"""function __medley_offers
    set --local --export line (commandline --cut-at-cursor --current-process)
    env ASK medley 2>/dev/null | string match --invert ''
end
complete --command medley --no-files --condition 'count (__medley_offers) >/dev/null' \
    --arguments '(__medley_offers)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def is_asked() -> bool:
    """Whether it is a shell that wants to know what it may offer."""
    return VARIABLE in os.environ


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(show_default=False)],
) -> None:
    """Print the script that lets a shell complete commands, options and names.

    Names of adapters, references, aliases and base models come from the registry.

    \b
    Put one of these lines in your shell's start-up file:
      source <(medley completion bash)        ~/.bashrc
      source <(medley completion zsh)         ~/.zshrc, after compinit
      medley completion fish | source         ~/.config/fish/config.fish
    """
    typer.echo(_SCRIPTS[shell].replace("ASK", _ASK), nl=False)
