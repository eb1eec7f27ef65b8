/* client.h - who the client is: the peer, or what trusted proxies say in X-Forwarded-For.
 *
 * Counted from the right: an address is believed while all to its right are trusted proxies; so what a client
 * wrote itself is never used. */
#pragma once
#include <sys/socket.h>

#include "config.h"
#include "http/request.h"

/* Write the client's address to ret ("" when the peer has none); true when the peer itself is a trusted
 * proxy. */
bool client_find(const struct strlist *proxies, const struct sockaddr *peer, struct str forwarded,
                 char ret[REQUEST_ADDR_MAX]);
