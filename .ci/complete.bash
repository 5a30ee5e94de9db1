#!/usr/bin/env bash
# Loads the completions in bash.
set -euo pipefail

# shellcheck source=/dev/null
source completions/otactl.bash
if [ "$(complete -p otactl)" != "complete -F _otactl otactl" ]; then
    echo "completions/otactl.bash is not loaded"
    exit 1
fi
