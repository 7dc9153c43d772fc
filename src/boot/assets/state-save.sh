#!/bin/sh
# Copies declared files of /etc that changed back to /state/etc, from where the initrd takes them at the next start.
# Each is written aside, made durable and then renamed: /state/etc has the old one or the new one.
set -eu
list=$1 # one path below /etc to a line
kept=/state/etc
aside=$kept/.saving

# Names, kinds, modes, owners, sizes, times and link targets of the declared files below a folder. `cp -a` keeps them all.
facts() {
	cd "$1"
	while read -r path; do printf './%s\0' "$path"; done <"$list" |
		find -files0-from - -printf '%p %y %m %U %G %s %T@ %l\n' 2>/dev/null | sort
}

save() {
	rm -rf "$aside"
	mkdir -p "$(dirname "$kept/$1")"
	if [ -e "/etc/$1" ]; then
		cp -a "/etc/$1" "$aside"
		sync -f "$aside"
		if [ -d "$kept/$1" ]; then mv --exchange -T "$aside" "$kept/$1"; else mv -T "$aside" "$kept/$1"; fi
	else
		rm -rf "${kept:?}/$1"
	fi
}

# Several passes: what is written while a pass runs belongs to the next one.
for pass in 1 2 3 4 5; do
	[ "$(facts /etc)" != "$(facts "$kept")" ] || break
	while read -r path; do save "$path"; done <"$list"
	sync -f "$kept"
done
rm -rf "$aside"
