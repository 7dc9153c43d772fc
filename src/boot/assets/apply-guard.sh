#!/bin/sh
# Waits until the process that applies a generation has ended: the kernel then gives its lock back, also when it was killed.
# What it did not finish is put back.
flock -x /run/ashlar.lock true
[ ! -e /run/ashlar/apply.json ] || exec /usr/bin/ashlar apply --undo
