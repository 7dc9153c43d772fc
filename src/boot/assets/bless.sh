#!/bin/sh
# Takes the counter from the entry that was started: it is good. A second entry without the counter is made durable before
# the counted one goes, so that a power cut at any moment leaves one that starts (src/boot/entry-file.ts tells why).
set -eu
# Four bytes of attributes, then UTF-16: \loader\entries\ashlar-000002+2-1.conf. Through a pipe: efivarfs cannot seek.
variable=/sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
path=$(cat "$variable" | tail -c +5 | tr -d '\000')
[ -n "$path" ] || { echo "ashlar: $variable cannot be read, so nothing is found good" >&2; exit 1; }
name=${path##*\\}
id=${name%%+*}
case $id in
ashlar-[0-9][0-9][0-9][0-9][0-9][0-9]) ;;
*) exit 0 ;; # no generation: nothing to find good
esac
good=$id.conf
cd /efi/loader/entries
for counted in "$id"+*.conf; do
	[ -e "$counted" ] || continue
	if cmp -s "$counted" "$good" || { cp "$counted" "$good" && sync "$good" .; }; then
		# Gone with one sector; the name follows.
		dd if=/dev/zero of="$counted" bs="$(stat -c %s "$counted")" count=1 conv=notrunc,fsync status=none
		rm "$counted"
	else
		# No room for a second file.
		rm -f "$good"
		mv "$counted" "$good"
		sync "$good"
	fi
	sync .
done
