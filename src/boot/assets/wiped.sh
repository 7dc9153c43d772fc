#!/bin/sh
# Removes all but the newest $1 trees of /state/wiped. A tree loses its name first, so that none is ever half there.
set -eu
left=$1
cd /state/wiped
rm -rf .removing-*
for tree in $(ls -r | grep -x '[0-9][0-9]*'); do
	left=$((left - 1))
	[ "$left" -ge 0 ] || mv "$tree" ".removing-$tree"
done
rm -rf .removing-*
