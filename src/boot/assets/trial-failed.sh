#!/bin/sh
# A start failed: its probes did, it did not come to an end in time, or it ended in emergency mode. If this generation is on
# trial, the agent marks it bad and writes down why; then the machine restarts, unless there is nothing else to start:
# a machine that runs, to look into, is better than one that restarts for ever. $1: why, when the agent cannot know.
# With an agent that does not work either, the boot loader's counter still ends the trial.
generation=
for word in $(cat /proc/cmdline); do
	case $word in
	ashlar.generation=*) generation=${word#ashlar.generation=} ;;
	# Somebody wants to look around.
	ashlar.shell | systemd.unit=* | rescue | emergency | single) exit 0 ;;
	esac
done
entries=/efi/loader/entries
if [ ! -d "$entries" ]; then
	# The ESP cannot be seen. Only a counted start sets this variable, and restarting it is counted again.
	[ -e /sys/firmware/efi/efivars/LoaderBootCountPath-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f ] || exit 0
	echo "ashlar: this start failed, and $entries cannot be read; restarting"
	exec systemctl reboot
fi
own=$entries/ashlar-$(printf %06d "$generation")
reason=${1-}
set -- "$own"+*.conf
# It is good, so this is no trial. (An interrupted blessing leaves both names.)
if [ -e "$own.conf" ] || [ ! -e "$1" ]; then exit 0; fi

timeout 180 /usr/bin/ashlar condemn ${reason:+"$reason"}
for entry in "$entries"/ashlar-*.conf; do
	case $entry in
	*+0.conf | *+0-*.conf) ;;
	*)
		echo "ashlar: this generation failed its trial; restarting (${entry##*/} can be tried)"
		exec systemctl reboot
		;;
	esac
done
echo "ashlar: this generation failed its trial, and there is no other one to try: run \`ashlar status\`"
