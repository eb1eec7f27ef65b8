/* raw_client.h - bytes to a loopback port and what comes back, for tests of the server. */
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static inline int raw_connect(int port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)port),
	                         .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof in) != 0)
		return -1;
	return fd;
}

static inline void raw_send(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static inline void raw_say(int fd, const char *text)
{
	raw_send(fd, text, strlen(text));
}

/* Read until the peer closed (true), or until nothing came for quiet_ms (false). */
static inline bool raw_read(int fd, char *ret, size_t cap, int quiet_ms)
{
	size_t n = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ret[0] = '\0';
	while (n + 1 < cap && poll(&p, 1, patience(quiet_ms)) > 0) {
		ssize_t got = recv(fd, ret + n, cap - 1 - n, 0);
		if (got <= 0)
			return true;
		n += (size_t)got;
		ret[n] = '\0';
	}
	return false;
}

/* The status of the n-th answer (0-based) in `text`, 0 when there is none. */
static inline int raw_status(const char *text, int nth)
{
	const char *at = text;
	for (int i = 0; at != NULL; i++, at++) {
		at = strstr(at, "HTTP/1.1 ");
		if (at == NULL)
			return 0;
		if (i == nth)
			return (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
	}
	return 0;
}
