#!/bin/sh
# Runs before a service starts: $1 its unit, $2 the version of data that this generation writes. Nearly always that is the
# version that is there, which is seen without starting Ashlar.
set -eu
known=/state/ashlar/schemas.json
! grep -qE "\"$1\":\\{[^}]*\"version\":$2[,}]" "$known" 2>/dev/null || exit 0
exec /usr/bin/ashlar state check "$1"
