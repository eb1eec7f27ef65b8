#!/bin/sh
# The framing table on the libmicrohttpd of another release:  tests/framing.sh RELEASE RESULT
# In a chroot: build the last commit, send every row of tests/harness/framing.py, leave what came of each in RESULT.
set -eu
release=$1
# shellcheck source=tests/chroot.sh
. "$(dirname "$0")/chroot.sh"

say "build"
inside sh /srv/account-linkd/tests/install.sh run
install python3-pytest
inside make -C /srv/account-linkd -j2 >"$root/out" 2>&1 || { cat "$root/out"; exit 1; }

say "every row"
code=0
inside LINKD_FRAMING=/tmp/framing.json python3 -m pytest -q -p no:cacheprovider /srv/account-linkd/tests/flow/test_framing.py ||
    code=$?
[ ! -e "$root/tmp/framing.json" ] || cp "$root/tmp/framing.json" "$2"
exit "$code"
