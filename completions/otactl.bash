# Completions of otactl for bash.

# Completes to one of the words.
_otactl_words() {
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

# Completes to files (-f), directories (-d) or programs (-c).
_otactl_files() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$1" -- "$cur"))
}

_otactl() {
    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command='' word
    COMPREPLY=()
    # bash makes three words of --option=value.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ " update show wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot ports devices discover simulate explain completions man help " == *" $word "* ]]; then
            command=$word
            break
        fi
    done
    case $option in
        --generation) _otactl_words "2018 2019 2022"; return ;;
        --color) _otactl_words "auto always never"; return ;;
        --serial-framing) _otactl_words "auto line quoted"; return ;;
        --via) _otactl_words "auto pull push"; return ;;
        --auth-algo) _otactl_words "md5 sha-256"; return ;;
        --on-unhealthy) _otactl_words "revert leave"; return ;;
        --is-committed) _otactl_words "true false"; return ;;
        --mqtt-generation) _otactl_words "twice single plain"; return ;;
        --set-control-lines) _otactl_words "y yes t true on 1 n no f false off 0"; return ;;
        --ca-cert-file | --cert-file | --config | --key-file | --mqtt-password-file | --port | --serve-tls | --tls-cert | --tls-key | -p) _otactl_files -f; return ;;
        --state) _otactl_files -d; return ;;
        --check-cmd) _otactl_files -c; return ;;
        --active-slot | --advertise | --allow-from | --ask-timeout | --auth | --baud-rate | --check-http | --check-rpc | --check-timeout | --commit-port | --commit-timeout | --count | --delay-ms | --device | --download-timeout | --fault | --for | --get | --id | --jobs | --json | --listen | --mqtt | --mqtt-client-id | --mqtt-pub-topic | --mqtt-src | --mqtt-sub-topic | --mqtt-will-topic | --platform | --reboot-delay | --reboot-timeout | --revert-slot | --rpc-creds | --soak | --stall-timeout | --tcp | --timeout | --tls | --udp | --url | -d | -n) :; return ;;
    esac
    if [[ $cur == -* ]]; then
        case $command in
            '') _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help -V --version" ;;
            update) _otactl_words "--url --via --no-commit --commit-timeout --download-timeout --ask-timeout --stall-timeout --reboot-timeout --listen --advertise --commit-port --snapshot-first --allow-from --serve-tls --no-abort --dry-run --force --allow-downgrade --check-rpc --check-cmd --check-http --check-timeout --soak --on-unhealthy -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            show) _otactl_words "--get -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            wait) _otactl_words "--for --get -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            commit) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            revert) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            create-snapshot) _otactl_words "--set-as-revert --commit-timeout -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            get-boot-state) _otactl_words "--get -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            set-boot-state) _otactl_words "--active-slot --is-committed --revert-slot --commit-timeout --force -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            status) _otactl_words "--get -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            call) _otactl_words "--get -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            list) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            describe) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            info) _otactl_words "--get -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            ping) _otactl_words "-n --count -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            reboot) _otactl_words "--delay-ms --force -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            ports) _otactl_words "--watch -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            devices) _otactl_words "--probe -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            discover) _otactl_words "--mqtt --for --add -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            simulate) _otactl_words "--listen --tcp --udp --mqtt --mqtt-generation --tls --tls-cert --tls-key --serial --console-noise --generation --unlicensed --id --platform --reboot-delay --auth --auth-algo --state --fault -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            explain) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            completions) _otactl_words "--install -p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            man) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
            help) _otactl_words "-p --port -d --device --config --timeout --jobs --rpc-creds --json -q --quiet -v --verbose --color --ca-cert-file --cert-file --key-file --insecure --baud-rate --hw-flow-control --set-control-lines --no-set-control-lines --inverted-control-lines --serial-framing --mqtt-password-file --mqtt-client-id --mqtt-src --mqtt-pub-topic --mqtt-sub-topic --mqtt-will-topic -h --help" ;;
        esac
        return
    fi
    case $command in
        '') _otactl_words "update show wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot ports devices discover simulate explain completions man help" ;;
        update) _otactl_files -f ;;
        wait) _otactl_words "reachable committed uncommitted version" ;;
        completions) _otactl_words "bash elvish fish powershell zsh" ;;
        man) _otactl_files -d ;;
        help) _otactl_words "update show wait commit revert create-snapshot get-boot-state set-boot-state status call list describe info ping reboot ports devices discover simulate explain completions man connection" ;;
    esac
}

complete -F _otactl otactl
