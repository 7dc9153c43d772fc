#!/bin/sh
# Counts the seconds of up time until an applied generation is taken back, unless `ashlar confirm` removes the file that says
# so. What is left is kept on the disk: a kill of this script, a soft-reboot or a restart goes on from there. No clock is asked.
set -u
home=/sysroot/ashlar
read -r boot </proc/sys/kernel/random/boot_id
up() { read -r now rest </proc/uptime && echo "${now%%.*}"; }
keep() { echo "$boot $1 $2" >"$home/.confirm-left" && sync "$home/.confirm-left" && mv "$home/.confirm-left" "$home/confirm-left"; }

read -r then at left <"$home/confirm-left" || exit 0
# In the same start the clock of the kernel went on; in another one only what was counted is gone.
[ "$then" = "$boot" ] || at=$(up)
while [ -e "$home/applied.json" ] && [ -e "$home/confirm-left" ]; do
	now=$(up)
	left=$((left - now + at)) at=$now
	if [ "$left" -le 0 ]; then
		echo "ashlar: nobody confirmed; the generation before comes back"
		exec /usr/bin/ashlar apply --revert
	fi
	# A full disk keeps it from being written, not from being counted.
	keep "$at" "$left"
	sleep 2
done
