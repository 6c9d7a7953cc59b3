namespace ModNet.Cli

open System.CommandLine

/// Scripts by which a shell completes the commands of ./modnet, made from the commands themselves.
[<RequireQualifiedAccess>]
module CompletionScript =

    /// What completes a command's first argument.
    let private argument (studies: string list) (command: Command) : string =
        match command.Name, [ for argument in command.Arguments -> argument.Name ] with
        | _, "SCRIPT" :: _ -> "scripts"
        | "reproduce", _ -> String.concat " " (studies @ [ "all" ])
        | _ -> ""

    let private words (command: Command) = [
        for option in command.Options do
            if not option.Hidden then option.Name
    ]

    let private quoted (words: string list) = "'" + String.concat " " words + "'"

    let private table (studies: string list) (commands: Command list) =
        commands
        |> List.map (fun command ->
            let first = argument studies command
            $"        {command.Name}) options={quoted (words command)} first='{first}' ;;")
        |> String.concat "\n"

    /// For bash: the function completes `./modnet` and `modnet`.
    let bash (studies: string list) (commands: Command list) : string =
        let names = quoted [ for command in commands -> command.Name ]

        $"""# Completion of ./modnet for bash. Load it by:  source <(./modnet completion bash)
_modnet() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} options='' first=''
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W {names} -- "$word")
        return
    fi
    case ${{COMP_WORDS[1]}} in
{table studies commands}
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif ((COMP_CWORD == 2)) && [[ $first == scripts ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -X '!*.fsx' -- "$word"; compgen -d -- "$word")
    elif ((COMP_CWORD == 2)) && [[ -n $first ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$first" -- "$word")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}}
complete -F _modnet ./modnet modnet"""

    /// For zsh: the commands with their descriptions, their options, scripts and studies.
    let zsh (studies: string list) (commands: Command list) : string =
        let described (command: Command) =
            let text = command.Description.Replace("'", "'\\''").Replace(":", "\\:")
            $"            '{command.Name}:{text}'"

        let descriptions = commands |> List.map described |> String.concat "\n"

        $"""# Completion of ./modnet for zsh. Load it by:  source <(./modnet completion zsh)
_modnet() {{
    local options='' first=''
    local -a commands
    if ((CURRENT == 2)); then
        commands=(
{descriptions}
        )
        _describe command commands
        return
    fi
    case ${{words[2]}} in
{table studies commands}
    esac
    if [[ $PREFIX == -* ]]; then
        compadd -- ${{=options}}
    elif ((CURRENT == 3)) && [[ $first == scripts ]]; then
        _files -g '*.fsx'
    elif ((CURRENT == 3)) && [[ -n $first ]]; then
        compadd -- ${{=first}}
    else
        _files
    fi
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit -u; }}
compdef _modnet ./modnet modnet"""
