#!/bin/sh
# Copies declared files of /etc that changed back to /state/etc, from where the initrd takes them at the next start.
# Each is written aside, made durable and then renamed: /state/etc has the old one or the new one.
set -eu
kept=/state/etc
aside=$kept/.saving
same() {
	[ "$(stat -c '%f %u %g' "$1")" = "$(stat -c '%f %u %g' "$2" 2>/dev/null)" ] && diff -rq --no-dereference "$1" "$2" >/dev/null
}
changed=yes
while [ "$changed" = yes ]; do
	changed=no # Once more after each change: nothing that is written meanwhile gets lost.
	while read -r path; do
		if [ ! -e "/etc/$path" ]; then
			rm -rf "${kept:?}/$path"
		elif ! same "/etc/$path" "$kept/$path"; then
			changed=yes
			rm -rf "$aside"
			cp -a "/etc/$path" "$aside"
			mkdir -p "$(dirname "$kept/$path")"
			sync -f "$aside"
			if [ -d "$kept/$path" ]; then mv --exchange -T "$aside" "$kept/$path"; else mv -T "$aside" "$kept/$path"; fi
			sync "$(dirname "$kept/$path")"
		fi
	done </usr/lib/ashlar/state-etc
done
rm -rf "$aside"
