#!/bin/sh
# What writing our own DynamoDB requests saves over libcurl on another release:  tests/bench.sh [trixie] [ROUNDS]
# In a chroot: clone the last commit, build, measure the rows "linked" and "libcurl".  Needs root and debootstrap.
set -eu
release=${1:-trixie}
rounds=${2:-5}
# shellcheck source=tests/chroot.sh
. "$(dirname "$0")/chroot.sh"

say "packages"
inside sh /srv/account-linkd/tests/install.sh build
install python3 wrk util-linux procps

say "build"
inside make -C /srv/account-linkd -j2 all bench-tools >"$root/out" 2>&1 || { cat "$root/out"; exit 1; }
inside /srv/account-linkd/build/account-linkd version

say "measure"
inside env --chdir=/srv/account-linkd/tests PYTHONDONTWRITEBYTECODE=1 \
    /usr/bin/python3 -m bench linked libcurl --rounds "$rounds"
