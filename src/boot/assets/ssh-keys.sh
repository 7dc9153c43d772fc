#!/bin/sh
# Makes the machine's ssh host key once, in /state/etc, and puts it into /etc. Images never carry one.
set -eu
key=ssh/ssh_host_ed25519_key
if [ ! -s "/state/etc/$key" ]; then
	mkdir -p /state/etc/ssh
	rm -f "/state/etc/$key.new" "/state/etc/$key.new.pub"
	ssh-keygen -q -t ed25519 -N '' -C "root@$(uname -n)" -f "/state/etc/$key.new"
	sync -f /state/etc/ssh
	mv "/state/etc/$key.new.pub" "/state/etc/$key.pub"
	mv "/state/etc/$key.new" "/state/etc/$key"
fi
writable=yes
[ -w /etc/ssh ] || { mount -o remount,rw /etc && writable=no; }
cp -a "/state/etc/$key" "/state/etc/$key.pub" /etc/ssh/
[ "$writable" = yes ] || mount -o remount,ro /etc
