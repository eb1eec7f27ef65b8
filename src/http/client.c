#include "http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "config_addr.h"

static void write_peer(const struct sockaddr *peer, char ret[REQUEST_ADDR_MAX])
{
	ret[0] = '\0';
	if (peer != NULL && peer->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, ret,
		                REQUEST_ADDR_MAX);
	else if (peer != NULL && peer->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr, ret,
		                REQUEST_ADDR_MAX);
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

static bool is_address(const char *text)
{
	struct in6_addr any;
	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

bool client_find(const struct strlist *proxies, const struct sockaddr *peer, struct str forwarded,
                 char ret[REQUEST_ADDR_MAX])
{
	struct str item;
	char next[REQUEST_ADDR_MAX];
	write_peer(peer, ret);
	if (proxies->n == 0 || !config_addr_in_list(ret, proxies))
		return false;
	while (config_addr_in_list(ret, proxies) && last_item(&forwarded, &item)) {
		if (!str_copy(next, sizeof next, item) || !is_address(next))
			break;
		(void)str_copy(ret, REQUEST_ADDR_MAX, str_c(next));
	}
	return true;
}
