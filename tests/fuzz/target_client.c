/* X-Forwarded-For.  Input: the peer's address, a line end, the header. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fuzz.h"
#include "http/private.h"

struct address {
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	const struct sockaddr *any; /* NULL: none */
};

static void set_peer(struct address *a, struct str text)
{
	char z[REQUEST_ADDR_MAX];
	*a = (struct address){.v6.sin6_family = AF_INET6, .v4.sin_family = AF_INET};
	if (!str_copy(z, sizeof z, text))
		return;
	if (inet_pton(AF_INET, z, &a->v4.sin_addr) == 1)
		a->any = (const struct sockaddr *)(const void *)&a->v4;
	else if (inet_pton(AF_INET6, z, &a->v6.sin6_addr) == 1)
		a->any = (const struct sockaddr *)(const void *)&a->v6;
}

/* 10.0.0.0/8, 172.16.0.0/12, 192.0.2.1, ::1, 2001:db8:7::/48, told without config/address.c. */
static bool trusted(const char *z)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, net[6] = {0x20, 1, 0xd, 0xb8, 0, 7};
	uint8_t b[16];
	memcpy(b, mapped, sizeof mapped);
	if (inet_pton(AF_INET, z, b + 12) != 1 && inet_pton(AF_INET6, z, b) != 1)
		return false;
	if (memcmp(b, mapped, sizeof mapped) == 0)
		return b[12] == 10 || (b[12] == 172 && b[13] >= 16 && b[13] <= 31) ||
		       (b[12] == 192 && b[13] == 0 && b[14] == 2 && b[15] == 1);
	return memcmp(b, net, sizeof net) == 0 || memcmp(b, &in6addr_loopback, 16) == 0;
}

static bool is_address(const char *z)
{
	struct in6_addr any;
	return inet_pton(AF_INET, z, &any) == 1 || inet_pton(AF_INET6, z, &any) == 1;
}

/* `addr` stands at the end of the text, perhaps in brackets, perhaps with a port behind it. */
static bool ends_with(struct str item, const char *addr)
{
	struct str a = str_c(addr), host, tail;
	item = str_trim(item);
	if (item.n > 0 && item.p[0] == '[' &&
	    str_cut((struct str){item.p + 1, item.n - 1}, ']', &host, &tail))
		item = host;
	else if (!str_eq(item, a))
		(void)str_cut(item, ':', &item, &tail);
	return str_eq(item, a);
}

/* Of all items `ret` may be one with nothing but trusted proxies to the right of it. */
static bool believable(struct str forwarded, const char *ret)
{
	for (;;) {
		size_t from = forwarded.n;
		while (from > 0 && forwarded.p[from - 1] != ',')
			from--;
		struct str item = {forwarded.p + from, forwarded.n - from};
		if (ends_with(item, ret))
			return true;
		char z[REQUEST_ADDR_MAX];
		struct str inner = str_trim(item), tail;
		bool bare = str_copy(z, sizeof z, inner) && is_address(z);
		if (!bare && inner.n > 0 && inner.p[0] == '[')
			(void)str_cut((struct str){inner.p + 1, inner.n - 1}, ']', &inner, &tail);
		else if (!bare)
			(void)str_cut(inner, ':', &inner, &tail);
		if (from == 0 || !str_copy(z, sizeof z, inner) || !trusted(z))
			return false;
		forwarded.n = from - 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char a[] = "10.0.0.0/8", b[] = "192.0.2.1", c[] = "::1", d[] = "2001:db8:7::/48",
	            e[] = "172.16.0.0/12";
	char *list[] = {a, b, c, d, e};
	struct strlist proxies = {5, list}, none = {0, NULL};
	struct str forwarded = {(const char *)data, n}, peer_text = fuzz_part(&forwarded, '\n');
	struct address peer;
	char peer_z[REQUEST_ADDR_MAX], ret[REQUEST_ADDR_MAX];
	set_peer(&peer, peer_text);
	client_address_peer(peer.any, peer_z);
	FUZZ_MUST(!client_address_find(&none, peer_z, forwarded, ret) && strcmp(ret, peer_z) == 0);
	FUZZ_MUST(peer.any == NULL ? peer_z[0] == '\0' : is_address(peer_z));
	bool proxy = client_address_find(&proxies, peer_z, forwarded, ret);
	FUZZ_MUST(proxy == trusted(peer_z));
	if (!proxy || strcmp(ret, peer_z) == 0) {
		FUZZ_MUST(strcmp(ret, peer_z) == 0);
		return 0;
	}
	FUZZ_MUST(is_address(ret) && believable(forwarded, ret));
	return 0;
}
