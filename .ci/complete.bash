#!/usr/bin/env bash
# Loads the completions in bash, and completes a subcommand.
set -euo pipefail

# shellcheck source=/dev/null
source completions/otactl.bash
COMP_WORDS=(otactl upd)
COMP_CWORD=1
_otactl otactl upd otactl
if [ "${COMPREPLY[*]}" != update ]; then
    echo "completions/otactl.bash completes upd to: ${COMPREPLY[*]}"
    exit 1
fi
