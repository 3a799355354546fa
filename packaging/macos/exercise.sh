#!/bin/sh
# Does on a Mac what the recordings should hold: run it while eslogger or xnumon
# watches. Needs no root; touches nothing outside a directory of its own.
#   usage: exercise.sh PROGRAM
# PROGRAM is any binary that is not part of the system (xnumon itself will do):
# copies of the system's own are not allowed to run.
set -u
program=${1:?usage: exercise.sh PROGRAM}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
cp "$program" prog || exit 1

echo "script, with an argument in its first line, through a link and through env"
printf '#!/bin/sh -e\nexit 0\n' > hello.sh
printf '#!/usr/bin/env sh\nexit 0\n' > env.sh
chmod +x hello.sh env.sh
ln -s hello.sh link.sh
./hello.sh one '' 'two words'
./link.sh
./env.sh
sh ./hello.sh # no script here: the kernel never saw one

echo "a process whose parent is gone when it executes"
sh -c '(sleep 1; exec ./prog version >/dev/null 2>&1) & exit 0'

echo "a program that is gone as soon as it runs, and one that is replaced"
cp prog gone && { ./gone version >/dev/null 2>&1 & rm -f gone; }
cp prog replaced && { ./replaced version >/dev/null 2>&1 & printf 'other' > other; mv other replaced; }

echo "arguments that are not UTF-8, and many"
./prog "$(printf 'caf\351')" >/dev/null 2>&1
./prog "$(head -c 200000 /dev/zero | tr '\0' x)" >/dev/null 2>&1

echo "several images in one process"
sh -c 'exec sh -c "exec sh -c \"exec ./prog version\"" ' >/dev/null 2>&1

echo "setuid (asks for nothing; it may refuse)"
sudo -n true 2>/dev/null

echo "two hundred processes"
i=0
while [ $i -lt 200 ]; do /usr/bin/true & i=$((i + 1)); done
wait
sleep 2

echo "what the records must say of it:"
shasum -a 256 prog hello.sh env.sh 2>/dev/null || sha256sum prog hello.sh env.sh
command -v codesign >/dev/null && codesign -dvvv prog 2>&1 | grep -E '^(Identifier|CDHash|TeamIdentifier|Authority|Signature)'
