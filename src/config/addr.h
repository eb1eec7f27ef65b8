/* config/addr.h - addresses as they stand in settings: listeners, URLs, proxies.  Pure.
 *
 * Source  RFC 3986 section 3.2.2 for hosts; IPv6 in brackets wherever a port may follow. */
#pragma once
#include "config/config.h"

enum { CONFIG_HOST_MAX = 253 }; /* bytes of a host name */

/* "host:port" or "[v6]:port", the port 0..65535 in decimal digits.  `host` (cap bytes) is NUL-terminated and
 * without brackets.  False, outputs untouched or empty, for anything else. */
bool config_host_port(const char *text, char *host, size_t cap, uint16_t *ret_port);

/* Item i of a list of listeners is [::]:port and serves IPv4 too: no IPv4 item of the list has that port. */
bool config_listens_on_both(const struct strlist *l, size_t i);

/* The host of "host", "host:port", "[v6]" or "[v6]:port", as a Host header has it. */
bool config_host_of(const char *text, char *host, size_t cap);

bool config_host_valid(struct str host);        /* a DNS name or an IPv4 address; no brackets, no port */
bool config_host_is_loopback(const char *host); /* localhost, 127.0.0.0/8, ::1; without brackets */

/* "http://host[:port]" or "https://...", lower case, nothing after, no port that is the scheme's own: what a
 * browser sends as Origin. */
struct config_origin {
	bool https;
	char host[CONFIG_HOST_MAX + 1]; /* IPv6 without brackets */
	uint16_t port;                  /* the scheme's own when not written */
};
bool config_origin_parse(const char *text, struct config_origin *ret);

bool config_cidr_valid(const char *text); /* an address, or address/bits */

/* The range has the addresses of more than one operator: IPv4 wider than /8, or IPv6 wider than /20 except
 * private addresses (fc00::/7). */
bool config_cidr_wide(const char *text);

/* Every interface (0.0.0.0, ::), a name other than localhost, or an address that is neither loopback, private
 * nor link-local. */
bool config_host_is_public(const char *host);

/* Is the address (text form) one of the list's addresses or in one of its ranges?  IPv4 and its IPv6-mapped
 * form are the same address.  False for what is not an address. */
bool config_addr_in_list(const char *addr, const struct strlist *cidrs);
