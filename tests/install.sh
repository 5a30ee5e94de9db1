#!/bin/sh
# Installs one package with the package manager of this machine, with sudo if needed.
#   sh tests/install.sh PROGRAM PACKAGE
set -eu

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
    echo "tests/install.sh: no known package manager; install $2, which brings $1" >&2
    exit 1
fi
