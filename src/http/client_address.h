/* http/client_address.h - the client's address: the peer's, or the one that trusted proxies give in X-Forwarded-For.
 *
 * The list is read from the right.  The first address that is not a trusted proxy is the client's, so an address
 * that the client wrote itself is never used. */
#pragma once
#include <stdint.h>
#include <sys/socket.h>

#include "config/config.h"
#include "http/request.h"

/* The peer's address as text, "" when it has none. */
void client_address_peer(const struct sockaddr *peer, char ret[REQUEST_ADDR_MAX]);

/* The network of an address as a number: /24 of IPv4, /48 of IPv6.  Texts that are not addresses share one.
 */
uint64_t client_address_network(const char *address);

/* Write the client's address to ret; true when the peer itself is a trusted proxy. */
bool client_address_find(const struct strlist *proxies, const char peer[REQUEST_ADDR_MAX],
                         struct str forwarded, char ret[REQUEST_ADDR_MAX]);
