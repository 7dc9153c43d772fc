#!/bin/sh
# The menu's Factory reset: asks on the console. Nothing has been changed yet; any end of this restarts the machine.
cat <<'TEXT'

Factory reset of this machine. It goes back to the generation that it was installed with.

  erase   and all its data is erased: /var, /home, /root, /srv, its identity, its keys
  keep    and its data stays

TEXT
printf 'Type erase or keep; anything else restarts and changes nothing: '
read -r answer || answer=
case $answer in
erase) exec /usr/bin/ashlar reset --yes ;;
keep) exec /usr/bin/ashlar reset --keep-state --yes ;;
*) echo "Nothing was changed." ;;
esac
