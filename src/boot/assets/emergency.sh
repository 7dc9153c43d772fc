#!/bin/sh
# Ends a start that failed in the initrd: the boot loader then counts the attempt and, when none is left, takes another
# generation. `ashlar.shell` on the kernel command line gives a shell first.
echo "ashlar: this start failed; the lines above say why."
systemctl --no-pager --failed --no-legend

# The log of this start is in memory: what it says goes to the disk, for `ashlar why-failed` of the generation before.
generation=
for word in $(cat /proc/cmdline); do
	case $word in ashlar.generation=*) generation=${word#ashlar.generation=} ;; esac
done
kept=/sysroot/ashlar/failed-start.log
if [ -w /sysroot/ashlar ]; then
	(
		umask 077
		echo "generation $generation"
		journalctl --no-pager --quiet --boot --priority=warning --lines=40 --output=short-monotonic --no-hostname
	) >"$kept.new" && mv "$kept.new" "$kept" && sync -f "$kept"
fi

case " $(cat /proc/cmdline) " in
*" ashlar.shell "*) echo "A shell for you; leave it to restart." && sh ;;
*) echo "Restarting in 15 seconds. Add ashlar.shell to the kernel command line to look around instead." && sleep 15 ;;
esac
