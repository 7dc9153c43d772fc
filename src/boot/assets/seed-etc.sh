# Part of mount.sh: copies the declared files of /state/etc into the /etc of this boot. A persistent /etc has them already.
kept=/sysroot/state/etc
mkdir -p -m 0755 "$kept"
if [ ! -s "$kept/machine-id" ]; then
	read -r id </proc/sys/kernel/random/uuid
	echo "$id" | tr -d - >"$kept/.machine-id"
	sync "$kept/.machine-id"
	mv "$kept/.machine-id" "$kept/machine-id"
	chmod 0444 "$kept/machine-id"
fi
cp -a "$kept/machine-id" "$new/etc/machine-id"
while [ "$etc" != persistent ] && read -r path; do
	[ -e "$kept/$path" ] || [ -L "$kept/$path" ] || continue
	case $path in */*) mkdir -p "$new/etc/${path%/*}" ;; esac
	# A folder replaces the image's one: what was deleted from it stays deleted.
	rm -rf "$new/etc/$path"
	cp -a "$kept/$path" "$new/etc/$path" || fail "/state/etc/$path cannot be copied to /etc"
done <"$new/usr/lib/ashlar/state-etc"
