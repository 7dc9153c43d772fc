#!/bin/sh
# The health probes of a generation on trial failed. Restarts, so that the boot loader counts this attempt as lost, unless
# every entry is out of tries: then a machine that runs, to look into, is better than one that restarts for ever.
for entry in /efi/loader/entries/ashlar-*.conf; do
	case $entry in
	*+0.conf | *+0-*.conf) ;;
	*)
		echo "ashlar: this generation failed its trial; restarting (${entry##*/} can be tried)"
		exec systemctl reboot
		;;
	esac
done
echo "ashlar: this generation failed its trial, and there is no other one to try: run \`ashlar status\`"
