# Part of mount.sh: an ephemeral /var begins anew with what is kept. Everything is renamed, nothing copied:
#   state/var             the tree that the last start used; kept paths leave it for
#   state/var.next        the new one, and what is left becomes
#   state/wiped/NNNNNN/var
# Cut at any moment, the next start goes on: with both trees there are paths left to move, with var.next alone it is complete.
old=/sysroot/state/var
next=/sysroot/state/var.next
wiped=/sysroot/state/wiped

# Puts what is left of the tree $1 among those that can be recovered.
wipe() {
	last=000000
	for tree in "$wiped"/[0-9]*; do [ ! -d "$tree/var" ] || last=${tree##*/}; done
	tree=$wiped/$(printf %06d $((1$last - 999999)))
	mkdir -p -m 0700 "$wiped" "$tree"
	sync -f /sysroot
	mv "$1" "$tree/var"
}

# Makes the folder $1 of the new tree as it was in the old one.
parent() {
	[ ! -d "$next/$1" ] || return 0
	case $1 in */*) parent "${1%/*}" ;; esac
	mkdir "$next/$1"
	chown --reference="$old/$1" "$next/$1"
	chmod --reference="$old/$1" "$next/$1"
}

# Moves $1; what is in the new tree already, from a start that was cut, stays.
carry() {
	if [ ! -e "$next/$1" ] && [ ! -L "$next/$1" ]; then
		[ -e "$old/$1" ] || [ -L "$old/$1" ] || return 0
		case $1 in */*) parent "${1%/*}" ;; esac
		mv "$old/$1" "$next/$1"
	elif [ -d "$next/$1" ] && [ -d "$old/$1" ] && [ ! -L "$old/$1" ]; then
		for inside in "$old/$1"/* "$old/$1"/.[!.]* "$old/$1"/..?*; do
			[ ! -e "$inside" ] && [ ! -L "$inside" ] || carry "${inside#"$old"/}"
		done
	fi
}

mode=$(cat "$new/usr/lib/ashlar/var-mode" 2>/dev/null) || mode=persistent
if [ "$mode" = ephemeral ] && [ -d "$old" ] && { [ -d "$next" ] || [ -n "$(ls -A "$old")" ]; }; then
	mkdir -p -m 0755 "$next"
	for list in "$new/usr/lib/ashlar/var-keep" /sysroot/state/ashlar/kept; do
		[ -e "$list" ] || continue
		while read -r path; do case $path in /var/*) carry "${path#/var/}" ;; esac done <"$list"
	done
	wipe "$old"
elif [ "$mode" != ephemeral ] && [ -d "$old" ] && [ -d "$next" ]; then
	# A start with an ephemeral /var was cut, and now /var persists: what had moved comes back.
	old=/sysroot/state/var.next
	next=/sysroot/state/var
	for inside in "$old"/* "$old"/.[!.]*; do
		[ ! -e "$inside" ] && [ ! -L "$inside" ] || carry "${inside##*/}"
	done
	wipe "$old"
fi
[ -d /sysroot/state/var ] || [ ! -d /sysroot/state/var.next ] || mv /sysroot/state/var.next /sysroot/state/var
