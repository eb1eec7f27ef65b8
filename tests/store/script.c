#include "script.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS_MAX = 2048, REQUEST_MAX = 16384, ASKED_MAX = 128, OPERATION_MAX = 99 };

static struct {
	pthread_mutex_t lock;
	int fd;
	char url[64];
	pthread_t accepter, conn[CONNS_MAX];
	int fds[CONNS_MAX];
	size_t n;
	const struct script_row *rows;
	size_t rows_n;
	bool used[SCRIPT_ROWS_MAX];
	const char *table, *head;
	struct {
		char operation[OPERATION_MAX + 1], request[REQUEST_MAX];
	} asked[ASKED_MAX];
	size_t asked_n;
} it = {.lock = PTHREAD_MUTEX_INITIALIZER, .table = "200 {}", .head = ""};

static const struct script_row *row_of(const char *operation)
{
	const struct script_row *last = NULL;
	for (size_t i = 0; i < it.rows_n; i++) {
		if (strcmp(it.rows[i].operation, operation) != 0)
			continue;
		last = &it.rows[i];
		if (it.used[i])
			continue;
		it.used[i] = true;
		break;
	}
	return last;
}

static void copy_name(char ret[OPERATION_MAX + 1], const char *from, size_t n)
{
	n = n > OPERATION_MAX ? OPERATION_MAX : n;
	memcpy(ret, from, n);
	ret[n] = '\0';
}

/* The operation of a request, or else its method and path.  False: not all of it is there yet. */
static bool whole(const char *in, char operation[OPERATION_MAX + 1])
{
	static const char service[] = "DynamoDB_20120810.";
	const char *target = strcasestr(in, service), *n = strcasestr(in, "Content-Length:");
	const char *end = strstr(in, "\r\n\r\n"), *version = strstr(in, " HTTP/");
	if (end == NULL || (n != NULL && strlen(end + 4) < strtoul(n + 15, NULL, 10)))
		return false;
	const char *name = target == NULL ? in : target + sizeof service - 1;
	size_t length = strcspn(name, "?\r\n");
	copy_name(operation, name,
	          target == NULL && version < name + length ? (size_t)(version - name) : length);
	return true;
}

static void say(int fd, const char *words, const char *more)
{
	char head[1024];
	const char *body = strchr(words, ' ') + 1;
	int len = snprintf(head, sizeof head, "HTTP/1.1 %ld X\r\nContent-Length: %zu\r\n%s\r\n",
	                   strtol(words, NULL, 10), strlen(body), more);
	if (send(fd, head, (size_t)len, MSG_NOSIGNAL) == len)
		(void)send(fd, body, strlen(body), MSG_NOSIGNAL);
}

static void remember(const char *operation, const char *request)
{
	if (it.asked_n == ASKED_MAX)
		return;
	(void)snprintf(it.asked[it.asked_n].operation, sizeof it.asked[0].operation, "%s", operation);
	(void)snprintf(it.asked[it.asked_n].request, sizeof it.asked[0].request, "%s", request);
	it.asked_n++;
}

/* As far as braces tell; no text of the tests has any. */
static bool is_object(const char *request)
{
	int depth = 0;
	const char *body = strstr(request, "\r\n\r\n") + 4;
	for (const char *p = body; *p != '\0'; p++)
		depth += (*p == '{') - (*p == '}');
	return body[0] == '{' && depth == 0;
}

static const char *words_for(const char *operation, const char *request)
{
	if (strchr(operation, ' ') == NULL && !is_object(request)) {
		remember(SCRIPT_BROKEN, request);
		return "400 {\"__type\":\"x#SerializationException\"}";
	}
	if (strstr(request, "{\"S\":\"account-linkd\"}") != NULL)
		return "200 {}";
	remember(operation, request);
	const struct script_row *row = row_of(operation);
	if (row == NULL && strcmp(operation, "DescribeTable") == 0)
		return it.table;
	return row == NULL ? "200 {}" : row->answer;
}

/* False: the connection is to be closed. */
static bool answer(int fd, const char *operation, const char *request)
{
	pthread_mutex_lock(&it.lock);
	const char *words = words_for(operation, request), *head = it.head;
	pthread_mutex_unlock(&it.lock);
	if (strchr(words, ' ') != NULL)
		say(fd, words, head);
	return strcmp(words, "0") != 0;
}

static void *serve(void *arg)
{
	int fd = *(int *)arg;
	char in[REQUEST_MAX], operation[OPERATION_MAX + 1] = "";
	size_t have = 0;
	for (ssize_t n; (n = recv(fd, in + have, sizeof in - 1 - have, 0)) > 0;) {
		have += (size_t)n;
		in[have] = '\0';
		if (!whole(in, operation))
			continue;
		have = 0;
		if (!answer(fd, operation, in))
			break;
	}
	(void)shutdown(fd, SHUT_RDWR);
	return NULL;
}

static void *accept_all(void *arg)
{
	(void)arg;
	while (it.n < CONNS_MAX && (it.fds[it.n] = accept(it.fd, NULL, NULL)) >= 0) {
		while (pthread_create(&it.conn[it.n], NULL, serve, &it.fds[it.n]) != 0)
			; /* refused, as the test wants it of others */
		it.n++;
	}
	return NULL;
}

void script_start(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof in;
	it.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (it.fd < 0 || bind(it.fd, (struct sockaddr *)&in, sizeof in) != 0 || listen(it.fd, 64) != 0 ||
	    getsockname(it.fd, (struct sockaddr *)&in, &n) != 0 ||
	    pthread_create(&it.accepter, NULL, accept_all, NULL) != 0)
		abort();
	(void)snprintf(it.url, sizeof it.url, "http://127.0.0.1:%d", ntohs(in.sin_port));
	(void)setenv("AWS_ENDPOINT_URL_DYNAMODB", it.url, 1);
	(void)setenv("AWS_ACCESS_KEY_ID", "AKIDTEST", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	(void)setenv("AWS_REGION", "eu-central-1", 1);
}

const char *script_url(void)
{
	return it.url;
}

void script_stop(void)
{
	(void)shutdown(it.fd, SHUT_RDWR);
	(void)pthread_join(it.accepter, NULL);
	(void)close(it.fd);
	for (size_t i = 0; i < it.n; i++) {
		(void)shutdown(it.fds[i], SHUT_RDWR);
		(void)pthread_join(it.conn[i], NULL);
		(void)close(it.fds[i]);
	}
	it.n = 0;
}

void script_set(const struct script_row *rows, size_t n)
{
	pthread_mutex_lock(&it.lock);
	it.rows = rows;
	for (it.rows_n = 0; it.rows_n < n && rows[it.rows_n].operation != NULL;)
		it.used[it.rows_n++] = false;
	it.asked_n = 0;
	pthread_mutex_unlock(&it.lock);
}

void script_head(const char *lines)
{
	pthread_mutex_lock(&it.lock);
	it.head = lines;
	pthread_mutex_unlock(&it.lock);
}

void script_table(const char *words)
{
	pthread_mutex_lock(&it.lock);
	it.table = words;
	pthread_mutex_unlock(&it.lock);
}

size_t script_count(const char *operation)
{
	size_t n = 0;
	pthread_mutex_lock(&it.lock);
	for (size_t i = 0; i < it.asked_n; i++)
		n += strcmp(it.asked[i].operation, operation) == 0;
	pthread_mutex_unlock(&it.lock);
	return n;
}

bool script_last(const char *operation, const char *words)
{
	bool found = false;
	pthread_mutex_lock(&it.lock);
	for (size_t i = 0; i < it.asked_n; i++)
		if (strcmp(it.asked[i].operation, operation) == 0)
			found = strstr(it.asked[i].request, words) != NULL;
	pthread_mutex_unlock(&it.lock);
	return found;
}
