#!/bin/sh
# Ends a start that failed in the initrd: the boot loader then counts the attempt and, when none is left, takes another
# generation. `ashlar.shell` on the kernel command line gives a shell first.
echo "ashlar: this start failed; the lines above say why."
systemctl --no-pager --failed --no-legend
case " $(cat /proc/cmdline) " in
*" ashlar.shell "*) echo "A shell for you; leave it to restart." && sh ;;
*) echo "Restarting in 15 seconds. Add ashlar.shell to the kernel command line to look around instead." && sleep 15 ;;
esac
