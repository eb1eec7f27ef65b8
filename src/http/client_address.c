#include "http/private.h"

#include <arpa/inet.h>
#include <netinet/in.h>

/* A dual-stack socket gives IPv4 peers as ::ffff:192.0.2.1; a client must have the same text on both. */
static void peer_of_six(const struct in6_addr *six, char ret[REQUEST_ADDR_MAX])
{
	if (IN6_IS_ADDR_V4MAPPED(six))
		(void)inet_ntop(AF_INET, six->s6_addr + 12, ret, REQUEST_ADDR_MAX);
	else
		(void)inet_ntop(AF_INET6, six, ret, REQUEST_ADDR_MAX);
}

void client_address_peer(const struct sockaddr *peer, char ret[REQUEST_ADDR_MAX])
{
	ret[0] = '\0';
	if (peer != NULL && peer->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, ret,
		                REQUEST_ADDR_MAX);
	else if (peer != NULL && peer->sa_family == AF_INET6)
		peer_of_six(&((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, ret);
}

uint64_t client_address_network(const char *address)
{
	struct in_addr four;
	struct in6_addr six;
	uint64_t n = 0;
	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 8;
	if (inet_pton(AF_INET6, address, &six) != 1)
		return UINT64_MAX;
	bool mapped = IN6_IS_ADDR_V4MAPPED(&six);
	for (int i = mapped ? 12 : 0; i < (mapped ? 15 : 6); i++)
		n = n << 8 | six.s6_addr[i];
	return mapped ? n : n | 1ULL << 48;
}

/* The last item of a comma separated list, cut off it. */
static bool last_item(struct str *list, struct str *ret)
{
	size_t from = list->n;
	if (list->n == 0)
		return false;
	while (from > 0 && list->p[from - 1] != ',')
		from--;
	*ret = str_trim((struct str){list->p + from, list->n - from});
	list->n = from > 0 ? from - 1 : 0;
	return true;
}

/* Nothing, or ":50123". */
static bool only_port(struct str rest)
{
	uint64_t n;
	return rest.n == 0 || (rest.p[0] == ':' && str_u64((struct str){rest.p + 1, rest.n - 1}, 65535, &n));
}

/* Some proxies write "192.0.2.1:50123", "[2001:db8::1]:50123" or the brackets alone. */
static struct str without_port(struct str item)
{
	struct str host, tail;
	bool brackets = item.n > 0 && item.p[0] == '[';
	if (brackets && str_cut((struct str){item.p + 1, item.n - 1}, ']', &host, &tail))
		return only_port(tail) && str_has(host, ':') ? host : item;
	if (!brackets && str_cut(item, ':', &host, &tail) && !str_has(tail, ':') &&
	    only_port((struct str){item.p + host.n, item.n - host.n}))
		return host;
	return item;
}

static bool read_address(struct str item, char ret[REQUEST_ADDR_MAX])
{
	struct in6_addr any;
	return str_copy(ret, REQUEST_ADDR_MAX, without_port(item)) &&
	       (inet_pton(AF_INET, ret, &any) == 1 || inet_pton(AF_INET6, ret, &any) == 1);
}

bool client_address_find(const struct strlist *proxies, const char peer[REQUEST_ADDR_MAX],
                         struct str forwarded, char ret[REQUEST_ADDR_MAX])
{
	struct str item;
	char next[REQUEST_ADDR_MAX];
	(void)str_copy(ret, REQUEST_ADDR_MAX, str_c(peer));
	if (proxies->n == 0 || !config_addr_in_list(ret, proxies))
		return false;
	while (config_addr_in_list(ret, proxies) && last_item(&forwarded, &item)) {
		if (!read_address(item, next))
			break;
		(void)str_copy(ret, REQUEST_ADDR_MAX, str_c(next));
	}
	return true;
}
