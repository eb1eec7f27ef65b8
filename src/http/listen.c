#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

enum {
	BACKLOG = 1024,
	/* Of each connection, in the kernel: room for several of our answers.  By itself it grows to 4 MiB
	 * for a client that asks and never reads. */
	SEND_BYTES = 65536,
	HOST_MAX = 256,
	PORT_TEXT_MAX = 6
};

static bool split(struct str addr, char host[HOST_MAX], char port[PORT_TEXT_MAX])
{
	struct str name = addr, digits = {NULL, 0};
	uint64_t number;
	for (size_t i = addr.n; i > 0 && digits.p == NULL; i--)
		if (addr.p[i - 1] == ':') {
			name = (struct str){addr.p, i - 1};
			digits = (struct str){addr.p + i, addr.n - i};
		}
	if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = (struct str){name.p + 1, name.n - 2};
	else if (str_has(name, ':'))
		return false;
	return name.n > 0 && str_copy(host, HOST_MAX, name) && str_u64(digits, 65535, &number) &&
	       str_copy(port, PORT_TEXT_MAX, digits);
}

static bool write_addr(int fd, char ret[LISTEN_ADDR_MAX])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v6 = {.sin6_port = 0}};
	socklen_t n = sizeof a;
	char host[INET6_ADDRSTRLEN] = "?";
	if (getsockname(fd, &a.any, &n) != 0)
		return false;
	bool v6 = a.any.sa_family == AF_INET6;
	(void)inet_ntop(a.any.sa_family, v6 ? (const void *)&a.v6.sin6_addr : &a.v4.sin_addr, host,
	                sizeof host);
	(void)snprintf(ret, LISTEN_ADDR_MAX, v6 ? "[%s]:%u" : "%s:%u", host,
	               ntohs(v6 ? a.v6.sin6_port : a.v4.sin_port));
	return true;
}

/* The first socket is bound without SO_REUSEPORT and gets it afterwards: an instance that runs already makes
 * the bind fail, while our own other workers may join. */
static int bind_one(const struct addrinfo *a, unsigned flags, char ret_addr[LISTEN_ADDR_MAX])
{
	int on = 1, v6_only = (flags & LISTEN_BOTH) == 0, bytes = SEND_BYTES;
	bool first = (flags & LISTEN_FIRST) != 0;
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes); /* connections inherit it */
	if (a->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only);
	if ((first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	    (!first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
	    listen(fd, BACKLOG) == 0 && write_addr(fd, ret_addr))
		return fd;
	int why = errno;
	(void)close(fd);
	errno = why;
	return -1;
}

static const char *remedy(int why)
{
	switch (why) {
	case EADDRINUSE: return "; end the program that uses it, perhaps this service, or name another port";
	case EACCES: return "; name a port from 1024 on, or give the program CAP_NET_BIND_SERVICE";
	case EADDRNOTAVAIL: return "; no interface of this machine has the address";
	case EAFNOSUPPORT: return "; this machine has no such family of addresses";
	default: return "";
	}
}

enum err_code listen_open(const char *addr, unsigned flags, int *ret_fd, char ret_addr[LISTEN_ADDR_MAX],
                          struct err *reterr)
{
	char host[HOST_MAX], port[PORT_TEXT_MAX];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
	if (!split(str_c(addr), host, port))
		return err_set(reterr, ERR_INVALID, "'%s' is not host:port or [v6]:port", addr);
	if (getaddrinfo(host, port, &hints, &found) != 0)
		return err_set(reterr, ERR_INVALID, "cannot find the address '%s'", addr);
	int fd = bind_one(found, flags, ret_addr);
	int why = errno;
	freeaddrinfo(found);
	if (fd < 0)
		return err_set(reterr,
		               why == EADDRINUSE ? ERR_EXISTS
		               : why == EACCES   ? ERR_DENIED
		                                 : ERR_NOMEM,
		               "cannot listen on %s: %s%s", addr, strerrordesc_np(why), remedy(why));
	*ret_fd = fd;
	return ERR_OK;
}
