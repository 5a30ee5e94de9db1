# Completions of otactl for fish. They ask the program at each TAB.

function __otactl_complete
    command -q 'otactl'; or return
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --current-token --cut-at-cursor)
    set -l reply (COMPLETE=fish command 'otactl' -- $words "$word" 2>/dev/null)
    # In --option=value, only the value is a path.
    set -l option (string match --regex -- '^-[^=]*=' "$word")
    set -l value (string replace --regex -- '^-[^=]*=' '' "$word")
    switch "$reply[1]"
        case files
            for path in (complete -C "__otactl_none $value")
                echo "$option"$path
            end
        case directories
            for path in (complete -C "__otactl_none $value" | string match --regex '.*/(?:\t.*)?$')
                echo "$option"$path
            end
        case programs
            for program in (complete -C "$value")
                echo "$option"$program
            end
        case '*'
            for line in $reply[2..]
                echo $line
            end
    end
end

complete --command otactl --no-files --keep-order --arguments '(__otactl_complete)'
