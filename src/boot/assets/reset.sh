# Part of mount.sh: the reset to the first generation that `ashlar reset` prepared. The marker /sysroot/ashlar/reset has two
# words: the generation that it is for, and "erase" or "keep". It goes last: a start that is cut in between begins again, and
# erases what is there again, which nobody has used yet. It is for the first start after it was written: when another
# generation starts, somebody has changed their mind.
marker=/sysroot/ashlar/reset
trash=/sysroot/ashlar/erased
erase() {
	[ -e "$1" ] || return 0
	number=0
	while [ -e "$trash/$number" ]; do number=$((number + 1)); done
	mkdir -p -m 0700 "$trash"
	mv "$1" "$trash/$number"
}

if [ -f "$marker" ]; then
	read -r wanted what <"$marker" || what=nothing
	if [ "$wanted" = "$generation" ]; then
		case $what in
		erase)
			echo "ashlar: erasing the machine's data for the reset to generation $generation"
			erase /sysroot/state
			;;
		keep) erase /sysroot/state/etc-overlay ;;
		esac
		mkdir -p -m 0755 /sysroot/state /sysroot/state/etc
		sync -f /sysroot
		rm -rf "$trash"
		echo "$what" >/sysroot/ashlar/reset-done
	else
		echo "ashlar: generation $generation starts, not $wanted: the reset is cancelled"
	fi
	rm -f "$marker"
	sync -f /sysroot
fi
