#!/bin/sh
# Makes the machine's ssh host keys once, in /state/etc, and puts them into /etc. Images never carry any.
set -eu
writable=yes
[ -w /etc/ssh ] || { mount -o remount,rw /etc && writable=no; }
for type in "$@"; do
	key=ssh/ssh_host_${type}_key
	if [ ! -s "/state/etc/$key" ]; then
		mkdir -p /state/etc/ssh
		rm -f "/state/etc/$key.new" "/state/etc/$key.new.pub"
		ssh-keygen -q -t "$type" -N '' -C "root@$(uname -n)" -f "/state/etc/$key.new"
		sync -f /state/etc/ssh
		mv "/state/etc/$key.new.pub" "/state/etc/$key.pub"
		mv "/state/etc/$key.new" "/state/etc/$key"
	fi
	cp -a "/state/etc/$key" "/state/etc/$key.pub" /etc/ssh/
done
[ "$writable" = yes ] || mount -o remount,ro /etc
