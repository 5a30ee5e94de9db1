#!/bin/sh
# Runs all tests. The one place that installs what they need and the machine lacks.
#   sh tests/run.sh [arguments of cargo test]
set -eu
cd "$(dirname "$0")/.."

# installed COMMAND PACKAGE: makes sure that COMMAND is there.
installed() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "tests/run.sh: installing $2, which the tests need" >&2
    root=
    if [ "$(id -u)" -ne 0 ]; then
        root=sudo
    fi
    if command -v apt-get >/dev/null 2>&1; then
        $root apt-get update -q && $root apt-get install -y -q "$2"
    elif command -v dnf >/dev/null 2>&1; then
        $root dnf install -y "$2"
    elif command -v apk >/dev/null 2>&1; then
        $root apk add "$2"
    elif command -v brew >/dev/null 2>&1; then
        brew install "$2"
    else
        echo "tests/run.sh: please install $2 and run this again" >&2
        exit 1
    fi
}

# Debian keeps the broker where only root looks.
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin

# The linker, and what ring is built with; the brokers of the tests.
installed cc gcc
installed mosquitto mosquitto

# Certificates that no library makes any more, and a server that shows them.
installed openssl openssl

# Another broker, which not every package manager has. Without it, its tests are not run.
(installed nats-server nats-server) || echo "tests/run.sh: going on without nats-server" >&2

# A clock that jumps (tests/clock.rs).
if [ "$(uname)" = Linux ]; then
    installed faketime "$(command -v apt-get >/dev/null 2>&1 && echo faketime || echo libfaketime)"
fi

exec cargo test --locked "$@"
