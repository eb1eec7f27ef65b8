/* tiny_server.h - a blocking HTTP server on a thread and a free loopback port, for tests of the client:
 * /ok, /echo (the request's body), /silent (never answers), /large (4 KiB), /redirect (302), /headers (80 KB of
 * them). */
#pragma once
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TINY_CONNS = 64 };

struct tiny_server {
	int fd, port;
	pthread_t accepter, conn[TINY_CONNS];
	int fds[TINY_CONNS];
	size_t n;
};

static inline void tiny_answer(int fd, const char *head, const char *body, size_t n)
{
	char top[256];
	int len = snprintf(top, sizeof top, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, n);
	if (send(fd, top, (size_t)len, MSG_NOSIGNAL) == len && n > 0)
		(void)send(fd, body, n, MSG_NOSIGNAL);
}

static inline void tiny_headers(int fd)
{
	char line[1002] = "X-Test: ";
	memset(line + 8, 'x', 992);
	memcpy(line + 1000, "\r\n", 2);
	(void)send(fd, "HTTP/1.1 200 OK\r\n", 17, MSG_NOSIGNAL);
	for (int i = 0; i < 80; i++)
		(void)send(fd, line, sizeof line, MSG_NOSIGNAL);
	(void)send(fd, "Content-Length: 0\r\n\r\n", 21, MSG_NOSIGNAL);
}

static inline void *tiny_serve(void *arg)
{
	int fd = *(int *)arg;
	char in[4096];
	static char large[4096];
	for (ssize_t n; (n = recv(fd, in, sizeof in - 1, 0)) > 0;) {
		in[n] = '\0';
		const char *body = strstr(in, "\r\n\r\n");
		if (strstr(in, " /silent") != NULL)
			continue;
		if (strstr(in, " /large") != NULL)
			tiny_answer(fd, "200 OK", large, sizeof large);
		else if (strstr(in, " /redirect") != NULL)
			tiny_answer(fd, "302 Found\r\nLocation: /ok", "", 0);
		else if (strstr(in, " /headers") != NULL)
			tiny_headers(fd);
		else if (strstr(in, " /echo") != NULL && body != NULL)
			tiny_answer(fd, "200 OK", body + 4, strlen(body + 4));
		else
			tiny_answer(fd, "200 OK", "ok", 2);
	}
	return NULL;
}

static inline void *tiny_accept(void *arg)
{
	struct tiny_server *s = arg;
	while (s->n < TINY_CONNS && (s->fds[s->n] = accept(s->fd, NULL, NULL)) >= 0) {
		if (pthread_create(&s->conn[s->n], NULL, tiny_serve, &s->fds[s->n]) != 0)
			abort();
		s->n++;
	}
	return NULL;
}

static inline struct tiny_server *tiny_server_start(void)
{
	struct tiny_server *s = calloc(1, sizeof *s);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof in;
	if (s == NULL || (s->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 ||
	    bind(s->fd, (struct sockaddr *)&in, sizeof in) != 0 || listen(s->fd, 64) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&in, &n) != 0)
		abort();
	s->port = ntohs(in.sin_port);
	if (pthread_create(&s->accepter, NULL, tiny_accept, s) != 0)
		abort();
	return s;
}

static inline int tiny_server_port(const struct tiny_server *s)
{
	return s->port;
}

static inline void tiny_server_stop(struct tiny_server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->accepter, NULL);
	(void)close(s->fd);
	for (size_t i = 0; i < s->n; i++) {
		(void)shutdown(s->fds[i], SHUT_RDWR);
		(void)pthread_join(s->conn[i], NULL);
		(void)close(s->fds[i]);
	}
	free(s);
}
