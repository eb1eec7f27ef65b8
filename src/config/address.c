#include "config/config.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_ipv6(const char *host)
{
	struct in6_addr a;
	return inet_pton(AF_INET6, host, &a) == 1;
}

/* One label of a DNS name: letters, digits and inner hyphens (underscores are seen in practice). */
static bool label_valid(struct str l)
{
	return l.n >= 1 && l.n <= 63 && str_of(l, "-_") && l.p[0] != '-' && l.p[l.n - 1] != '-';
}

bool config_host_valid(struct str host)
{
	struct str rest = host, label = {NULL, 0};
	char text[INET_ADDRSTRLEN];
	struct in_addr a;
	if (host.n == 0 || host.n > CONFIG_HOST_MAX)
		return false;
	while (str_next(&rest, '.', &label))
		if (!label_valid(label))
			return false;
	bool numeric = label.p[0] <= '9'; /* such a name can only be an address */
	return !numeric || (str_copy(text, sizeof text, host) && inet_pton(AF_INET, text, &a) == 1);
}

static bool port_valid(struct str s, uint16_t *ret)
{
	uint64_t port;
	if (s.n > 5 || !str_u64(s, 65535, &port))
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* Split at the port's colon; a host in brackets must be IPv6, one without must not. */
static bool split_host(struct str s, char *host, size_t cap, struct str *ret_port, bool *ret_has_port)
{
	struct str head, tail;
	if (s.n > 0 && s.p[0] == '[') {
		if (!str_cut((struct str){s.p + 1, s.n - 1}, ']', &head, &tail) ||
		    !str_copy(host, cap, head) || !is_ipv6(host) || (tail.n > 0 && tail.p[0] != ':'))
			return false;
		*ret_has_port = tail.n > 0;
		*ret_port = (struct str){tail.p + 1, tail.n > 0 ? tail.n - 1 : 0};
		return true;
	}
	*ret_has_port = str_cut(s, ':', &head, &tail);
	*ret_port = tail;
	return config_host_valid(head) && str_copy(host, cap, head);
}

bool config_host_port(const char *text, char *host, size_t cap, uint16_t *ret_port)
{
	struct str port;
	bool has_port;
	return split_host(str_c(text), host, cap, &port, &has_port) && has_port && port_valid(port, ret_port);
}

static bool is_any_ipv6(const char *host)
{
	struct in6_addr a;
	return inet_pton(AF_INET6, host, &a) == 1 && IN6_IS_ADDR_UNSPECIFIED(&a);
}

bool config_listens_on_both(const struct strlist *l, size_t i)
{
	char host[CONFIG_HOST_MAX + 1];
	uint16_t port, other;
	if (!config_host_port(l->v[i], host, sizeof host, &port) || !is_any_ipv6(host))
		return false;
	for (size_t k = 0; k < l->n; k++) /* each use of port 0 gets a different free port */
		if (k != i && port != 0 && config_host_port(l->v[k], host, sizeof host, &other) &&
		    other == port && !is_ipv6(host))
			return false;
	return true;
}

bool config_host_of(const char *text, char *host, size_t cap)
{
	struct str port;
	uint16_t number;
	bool has_port;
	return split_host(str_c(text), host, cap, &port, &has_port) &&
	       (!has_port || port_valid(port, &number));
}

bool config_host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
	return str_ieq(str_c(host), STR("localhost"));
}

static bool lower_case(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	return true;
}

bool config_origin_parse(const char *text, struct config_origin *ret)
{
	struct str s = str_c(text), port;
	bool https = str_starts(s, STR("https://")), has_port;
	size_t skip = https ? 8 : 7;
	if ((!https && !str_starts(s, STR("http://"))) || !lower_case(s))
		return false;
	uint16_t own = https ? 443 : 80, number = own;
	struct str rest = {s.p + skip, s.n - skip};
	if (!split_host(rest, ret->host, sizeof ret->host, &port, &has_port))
		return false;
	if (has_port && (!port_valid(port, &number) || number == 0 || number == own || port.p[0] == '0'))
		return false;
	ret->https = https;
	ret->port = number;
	return true;
}

struct range {
	uint8_t addr[16]; /* IPv4 in its mapped form */
	unsigned bits;    /* 0..128 of the 16 bytes */
};

static bool addr_bytes(struct str s, uint8_t ret[16], bool *ret_v4)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];
	if (!str_copy(text, sizeof text, s))
		return false;
	*ret_v4 = inet_pton(AF_INET, text, ret + 12) == 1;
	if (*ret_v4)
		memcpy(ret, mapped, sizeof mapped);
	return *ret_v4 || inet_pton(AF_INET6, text, ret) == 1;
}

static bool range_parse(struct str s, struct range *ret)
{
	struct str addr, bits;
	bool v4, has_bits = str_cut(s, '/', &addr, &bits);
	if (!addr_bytes(addr, ret->addr, &v4))
		return false;
	uint64_t max = v4 ? 32 : 128, n = max;
	if (has_bits && (bits.n > 3 || !str_u64(bits, max, &n)))
		return false;
	ret->bits = (unsigned)n + (v4 ? 96 : 0);
	return true;
}

static bool in_range(const uint8_t addr[16], const struct range *r)
{
	unsigned whole = r->bits / 8, rest = r->bits % 8;
	if (memcmp(addr, r->addr, whole) != 0)
		return false;
	return rest == 0 || ((addr[whole] ^ r->addr[whole]) >> (8 - rest)) == 0;
}

bool config_cidr_valid(const char *text)
{
	struct range r;
	return range_parse(str_c(text), &r);
}

static bool range_holds(const char *range, const uint8_t addr[16])
{
	struct range r;
	return range_parse(str_c(range), &r) && in_range(addr, &r);
}

bool config_cidr_wide(const char *text)
{
	struct range r;
	if (!range_parse(str_c(text), &r))
		return false;
	if (r.bits >= 96 && range_holds("::ffff:0:0/96", r.addr))
		return r.bits < 96 + 8;
	return r.bits < 20 && !(r.bits >= 7 && range_holds("fc00::/7", r.addr));
}

bool config_host_is_public(const char *host)
{
	static const char *const inner[] = {
	        "127.0.0.0/8",    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
	        "169.254.0.0/16", "::1",        "fc00::/7",      "fe80::/10"};
	uint8_t addr[16];
	bool v4;
	if (!addr_bytes(str_c(host), addr, &v4))
		return !config_host_is_loopback(host);
	for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
		if (range_holds(inner[i], addr))
			return false;
	return true;
}

bool config_addr_in_list(const char *addr, const struct strlist *cidrs)
{
	uint8_t bytes[16];
	bool v4;
	if (!addr_bytes(str_c(addr), bytes, &v4))
		return false;
	for (size_t i = 0; i < cidrs->n; i++) {
		struct range r;
		if (range_parse(str_c(cidrs->v[i]), &r) && in_range(bytes, &r))
			return true;
	}
	return false;
}
