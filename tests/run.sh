#!/bin/sh
# Runs the tests, after installing the programs that they start and this machine lacks.
#   sh tests/run.sh [--fast] [--no-install] [arguments of cargo test]
#
# --fast        only the tests that take under 60 s together once they are built
# --no-install  fail with a list of the missing programs instead of installing them
set -eu
cd "$(dirname "$0")/.."

fast=
install=yes
while [ $# -gt 0 ]; do
    case $1 in
        --fast) fast=yes ;;
        --no-install) install= ;;
        *) break ;;
    esac
    shift
done

# Debian keeps the brokers where only root looks.
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin

missing=
# needs PROGRAM PACKAGE REASON: notes the program if it is missing.
needs() {
    command -v "$1" >/dev/null 2>&1 && return
    missing="$missing $1:$2"
    echo "  $2: $3" >&2
}

needed=$(
    exec 2>&1
    needs cc gcc "the linker, and the C parts of ring"
    needs mosquitto mosquitto "an MQTT broker"
    needs openssl openssl "certificates that no library makes any more, and servers that show them"
    needs nats-server nats-server "an MQTT broker that refuses topics (its tests are left out without it)"
    if [ "$(uname)" = Linux ]; then
        needs faketime "$(command -v apt-get >/dev/null 2>&1 && echo faketime || echo libfaketime)" "a clock that jumps"
    fi
    echo "$missing"
)
missing=$(echo "$needed" | tail -n 1)
if [ -n "$missing" ]; then
    echo "tests/run.sh: the tests need these packages, which are not installed:" >&2
    echo "$needed" | sed '$d' >&2
    if [ -z "$install" ]; then
        exit 1
    fi
    for each in $missing; do
        echo "tests/run.sh: installing ${each#*:}" >&2
        if ! sh tests/install.sh "${each%%:*}" "${each#*:}"; then
            [ "${each%%:*}" = nats-server ] || exit 1
            echo "tests/run.sh: going on without nats-server" >&2
        fi
    done
fi

if [ -n "$fast" ]; then
    # Left out: the slow groups. Whole updates with real waits, and the large tables.
    slow=" bad_input boot_state clock conformance faults faults_sim generations health http_proxy interrupt killed mqtt"
    slow="$slow mqtt_brokers open_files output push push_faults serial session simulation steps terminal"
    slow="$slow text_from_outside tls tls_certificates wait websocket_flood wire wire_2022 wire_2022_mqtt wire_mqtt "
    set -- --lib --bins "$@"
    for file in tests/*.rs; do
        name=$(basename "$file" .rs)
        case $slow in
            *" $name "*) ;;
            *) set -- "$@" --test "$name" ;;
        esac
    done
fi

# Most tests wait for a device most of the time.
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((cores * 3))}
export RUST_TEST_THREADS

exec cargo test --locked "$@"
