#!/bin/sh
# The way of a newcomer on a new machine:  tests/fresh.sh [bookworm|trixie]
# In a chroot with nothing but git and make: clone the last commit, let make say what is missing, let the
# install step bring it, build without a warning, install, run the demo's own check.  Needs root and debootstrap.
set -eu
release=${1:-bookworm}
# shellcheck source=tests/chroot.sh
. "$(dirname "$0")/chroot.sh"

say "make says what is missing"
if inside make -C /srv/account-linkd >"$root/out" 2>&1; then echo "make should have failed" >&2; exit 1; fi
cat "$root/out"
[ "$(grep -c 'apt-get install -y' "$root/out")" = 1 ]

say "the install step"
inside sh /srv/account-linkd/tests/install.sh run

say "make"
inside make -C /srv/account-linkd -j2 WERROR=1 install PREFIX=/usr >"$root/out" 2>&1 || { cat "$root/out"; exit 1; }
inside /usr/sbin/account-linkd version

say "make run"
( exec chroot "$root" /usr/bin/env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/bin:/bin timeout 300 \
    make -C /srv/account-linkd run DEMO="--service-port 0 --simulator-port 0" ) </dev/null >"$root/out" 2>&1 &
demo=$!
tries=240 # it builds first
while [ "$tries" -gt 0 ]; do
    page=$(sed -n 's|.*Open this in a browser: *||p' "$root/out")
    [ -n "$page" ] && break
    tries=$((tries - 1))
    sleep 1
done
inside python3 -c 'import sys, urllib.request as u; sys.exit(b"Log In" not in u.urlopen(sys.argv[1], timeout=9).read())' \
    "$page" || { cat "$root/out"; kill "$demo"; exit 1; }
kill "$demo"
wait "$demo" || true
tries=20 # make may end before the demo does
while [ "$tries" -gt 0 ] && ! grep -q '^Stopping' "$root/out"; do
    tries=$((tries - 1))
    sleep 1
done
[ "$tries" -gt 0 ] || { cat "$root/out"; exit 1; }
say "ok"
