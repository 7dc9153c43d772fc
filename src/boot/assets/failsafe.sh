# Part of mount.sh: a start from the boot menu's Failsafe entry. The image with its own /etc and an empty /var in memory; the
# machine's data can be read at /state and is not written: the physical root is mounted read-only.
allowed=$(cat "$new/usr/lib/ashlar/recovery" 2>/dev/null) || allowed=
kind=failsafe
for word in $(cat /proc/cmdline); do
	case $word in systemd.unit=ashlar-*.target) kind=${word#systemd.unit=ashlar-} ;; esac
done
case " $allowed " in
*" ${kind%.target} "*) ;;
*) fail "image $digest allows no ${kind%.target} start (boot.failsafe and boot.factoryReset in its config)" ;;
esac

mkdir -p -m 0755 "$layer" "$layer/upper" "$layer/work"
mount -t overlay ashlar-etc "$new/etc" -o "lowerdir=$new/etc,upperdir=$layer/upper,workdir=$layer/work" ||
	fail "/etc cannot be mounted on $layer"
if [ -s /sysroot/state/etc/machine-id ]; then
	cp /sysroot/state/etc/machine-id "$new/etc/machine-id"
else
	tr -d - </proc/sys/kernel/random/uuid >"$new/etc/machine-id"
fi

mount -t tmpfs -o mode=0755,nosuid,nodev ashlar-var "$new/var"
mount -t tmpfs -o mode=0700,nosuid,nodev ashlar-root "$new/root"
for folder in home srv; do
	[ ! -d "/sysroot/state/$folder" ] || mount --bind "/sysroot/state/$folder" "$new/$folder"
done
mount --bind /sysroot/state "$new/state"
mount --bind /sysroot "$new/sysroot"
mkdir -p /run/issue.d
echo "Failsafe: the defaults of generation $generation. The machine's data is read-only in /state; a restart ends this." >/run/issue.d/50-ashlar.issue
