#!/usr/bin/env zsh
# Loads the completions in zsh.
set -e
fpath=($PWD/completions $fpath)
autoload -U compinit
compinit -u -D
if [[ $_comps[otactl] != _otactl ]]; then
    print "completions/_otactl is not loaded"
    exit 1
fi
autoload +X _otactl
