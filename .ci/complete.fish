#!/usr/bin/env fish
# Loads the completions in fish.
set errors (source completions/otactl.fish 2>&1)
if test -n "$errors"
    echo "completions/otactl.fish: $errors[1]"
    exit 1
end
if not complete --command otactl | string match -q "*__otactl_complete*"
    echo "completions/otactl.fish is not loaded"
    exit 1
end
