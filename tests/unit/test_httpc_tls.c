/* The HTTP client and private certificate authorities.  The server is that of the openssl command. */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop_rig.h"
#include "net/httpc.h"

static char folder[] = "/tmp/linkd-tls-XXXXXX";
static char ours[64], other[64], none[64];
static pid_t server;
static int port;

static void make_certificate(const char *name, const char *also)
{
	char command[512];
	(void)snprintf(
	        command, sizeof command,
	        "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	        "-subj /CN=test -addext subjectAltName=%s -keyout %s.key -out %s.pem 2>/dev/null",
	        folder, also, name, name);
	assert_int_equal(system(command), 0);
}

/* It prints the address that it listens on: "ACCEPT 127.0.0.1:40123". */
static int read_port(int fd)
{
	char line[128];
	FILE *f = fdopen(fd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		const char *colon = strrchr(line, ':');
		if (strncmp(line, "ACCEPT ", 7) == 0 && colon != NULL)
			return (int)strtol(colon + 1, NULL, 10); /* f stays open with the server */
	}
	fail_msg("openssl s_server does not listen");
	return 0;
}

static int start_server(void **state)
{
	int out[2];
	(void)state;
	assert_non_null(mkdtemp(folder));
	make_certificate("ours", "DNS:localhost");
	make_certificate("other", "DNS:localhost");
	(void)snprintf(ours, sizeof ours, "%s/ours.pem", folder);
	(void)snprintf(other, sizeof other, "%s/other.pem", folder);
	(void)snprintf(none, sizeof none, "%s/none.pem", folder);
	assert_int_equal(pipe(out), 0);
	if ((server = fork()) == 0) {
		if (chdir(folder) == 0 && dup2(out[1], STDOUT_FILENO) >= 0)
			(void)execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert",
			             "ours.pem", "-key", "ours.key", "-www", (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	port = read_port(out[0]);
	return 0;
}

static int stop_server(void **state)
{
	char command[64];
	int status;
	(void)state;
	(void)kill(server, SIGKILL);
	(void)waitpid(server, &status, 0);
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

struct got {
	enum err_code code;
	enum httpc_fault fault;
	long status;
};

static void on_http(void *arg, const struct httpc_response *r)
{
	*(struct got *)arg = (struct got){r->code, r->fault, r->status};
	loop_stop(loop);
}

/* One client and one handle: what a call trusts does not stay for the next. */
static void test_only_the_given_authority_is_trusted(void **state)
{
	static const struct {
		const char *host, *ca_file;
		enum httpc_fault fault;
	} rows[] = {{"localhost", ours, HTTPC_NO_FAULT}, {"localhost", NULL, HTTPC_CERT_ISSUER},
	            {"localhost", ours, HTTPC_NO_FAULT}, {"localhost", other, HTTPC_CERT_ISSUER},
	            {"localhost", none, HTTPC_LOCAL},    {"127.0.0.1", ours, HTTPC_CERT_NAME}};
	struct httpc *h;
	struct httpc_call *call;
	char url[64];
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct got g = {.code = ERR_INTERNAL};
		(void)snprintf(url, sizeof url, "https://%s:%d/", rows[i].host, port);
		struct httpc_request r = {.method = "GET",
		                          .url = url,
		                          .ca_file = rows[i].ca_file,
		                          .timeout_ms = patience(3000),
		                          .connect_ms = patience(3000),
		                          .response_max = 65536};
		assert_int_equal(httpc_start(h, &r, on_http, &g, &call, NULL), ERR_OK);
		run_guarded(4000);
		assert_false(stalled);
		bool trusted = rows[i].fault == HTTPC_NO_FAULT;
		assert_int_equal(g.code, trusted ? ERR_OK : ERR_UPSTREAM);
		assert_int_equal(g.fault, rows[i].fault);
		assert_int_equal(g.status, trusted ? 200 : 0);
	}
	httpc_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(test_only_the_given_authority_is_trusted),
	};
	if (httpc_global_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
