# Part of mount.sh: the machine's data below /sysroot/state, joined to the image. First what was asked for before the restart.
. /usr/lib/ashlar/reset.sh

[ "$etc" != persistent ] || layer=/sysroot/state/etc-overlay
mkdir -p -m 0700 "$layer"
mkdir -p -m 0755 "$layer/upper" "$layer/work"
mount -t overlay ashlar-etc "$new/etc" -o "lowerdir=$new/etc,upperdir=$layer/upper,workdir=$layer/work" ||
	fail "/etc cannot be mounted on $layer"
. /usr/lib/ashlar/seed-etc.sh
[ "$etc" != readonly ] || mount -o remount,ro "$new/etc"

. /usr/lib/ashlar/var.sh
for folder in var home root srv; do
	if [ ! -d "/sysroot/state/$folder" ]; then
		mode=0755
		[ "$folder" != root ] || mode=0700
		mkdir -p -m "$mode" "/sysroot/state/$folder"
	fi
	mount --bind "/sysroot/state/$folder" "$new/$folder" || fail "/$folder cannot be mounted: has the image that folder?"
done
mount --bind /sysroot/state "$new/state"
mount --bind /sysroot "$new/sysroot"
