/* listen.h - listening sockets: each worker has its own on the same port. */
#pragma once
#include "base/err.h"

enum { LISTEN_ADDR_MAX = 64 };

enum listen_flags {
	LISTEN_FIRST =
	        1, /* binds exclusively, so that a second instance fails; other sockets share the port */
	LISTEN_BOTH = 2, /* [::] accepts IPv4 too */
};

/* Bind and listen on "host:port" or "[v6]:port", numeric hosts or names.  ret_addr gets the address with its
 * real port.
 * Errors  ERR_INVALID (not an address), ERR_EXISTS (in use, names the address), ERR_DENIED (not permitted),
 * ERR_NOMEM. */
MUST_CHECK enum err_code listen_open(const char *addr, unsigned flags, int *ret_fd,
                                     char ret_addr[LISTEN_ADDR_MAX], struct err *reterr);
