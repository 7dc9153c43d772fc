#!/bin/sh
# Runs in the initrd as ashlar-mount.service, after sysroot.mount has put the physical root on /sysroot. Puts the read-only
# machine there instead: image (EROFS) -> overlay with the store's objects -> /etc -> mutable folders. The order fits Linux
# 6.12: mounts are attached before others go into them. See docs/formats/boot.md.
set -eu
new=/run/ashlar/root
image=/run/ashlar/image
store=/sysroot/ashlar/store

fail() {
	echo "ashlar: $*" >&2
	exit 1
}

# The trusted digest comes from the boot entry. The file is measured and mounted through one descriptor, so that nobody can
# swap it in between; its fs-verity digest then vouches for every later read.
digest='' generation='' failsafe=no
for word in $(cat /proc/cmdline); do
	case $word in
	composefs=*) digest=${word#composefs=} ;;
	ashlar.generation=*) generation=${word#ashlar.generation=} ;;
	ashlar.failsafe) failsafe=yes ;;
	esac
done
[ -n "$digest" ] || fail "the kernel command line has no composefs= argument"
[ -e "$store/images/$digest" ] || fail "image $digest is not in $store/images"
exec 3<"$store/images/$digest"
measured=$(fsverity measure /proc/self/fd/3) || fail "image $digest has no fs-verity: $store/images/$digest"
measured=${measured%% *}
[ "${measured#sha256:}" = "$digest" ] || fail "image $digest is altered: its fs-verity digest is $measured"

# Generators and bootctl find the disk through this link, because an overlay has no device (systemd #35017).
mkdir -p /run/systemd "$new" "$image"
ln -sfn "/dev/block/$(mountpoint -d /sysroot)" /run/systemd/volatile-root

mount --make-rprivate /
mount -c -t erofs -o ro /proc/self/fd/3 "$image" || fail "image $digest cannot be mounted"
mount -t overlay "composefs:$digest" "$new" \
	-o "ro,metacopy=on,redirect_dir=on,verity=require,lowerdir=$image::$store/objects" ||
	fail "image $digest cannot be joined with $store/objects"
umount -l "$image"
exec 3<&-

etc=$(cat "$new/usr/lib/ashlar/etc-mode") || fail "image $digest has no /usr/lib/ashlar/etc-mode"
layer=/run/ashlar/etc
if [ "$failsafe" = yes ]; then . /usr/lib/ashlar/failsafe.sh; else . /usr/lib/ashlar/data.sh; fi

umount -l /sysroot
mount --move "$new" /sysroot
