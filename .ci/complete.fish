#!/usr/bin/env fish
# Loads the completions in fish, and completes a subcommand.
set errors (source completions/otactl.fish 2>&1)
if test -n "$errors"
    echo "completions/otactl.fish: $errors[1]"
    exit 1
end
set found (complete -C "otactl upd")
if not string match -q "update*" -- $found
    echo "completions/otactl.fish completes upd to: $found"
    exit 1
end
