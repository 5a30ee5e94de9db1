# Completions of otactl for bash. They ask the program at each TAB.

_otactl() {
    local IFS=$'\n' reply
    COMPREPLY=()
    type -P 'otactl' >/dev/null || return 0
    reply=($(COMPLETE=bash command 'otactl' -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null))
    COMPREPLY=(${reply[@]+"${reply[@]:1}"})
    case ${reply[0]-} in
        files) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$2")) ;;
        directories) compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "$2")) ;;
        programs) COMPREPLY=($(compgen -c -- "$2")) ;;
        *)
            if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:/.] ]]; then
                compopt -o nospace 2>/dev/null
            fi
            ;;
    esac
    return 0
}

complete -F _otactl otactl
