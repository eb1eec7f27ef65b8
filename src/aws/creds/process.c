/* aws/creds/process.c - credential_process: a program that prints keys as JSON.
 *
 * Started without a shell, in its own process group, which is killed when it takes longer than 10 s or prints
 * more than 64 KiB.  Runs on the files' thread. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/creds/private.h"
#include "base/clock.h"
#include "base/crypto.h"

enum { LIMIT_MS = 10000, LOOK_MS = 100, ERROR_MAX = 2048 };

struct program {
	pid_t pid;
	int out, err; /* what it prints; -1: closed */
	struct buf printed, complained;
	int64_t end_ms;
	const _Atomic bool *stop;
};

static const char *const setting = "credential_process";

char **creds_process_environ(char *const *environ_)
{
	static const char ours[] = "LINKD_";
	size_t n = 0, kept = 0;
	while (environ_[n] != NULL)
		n++;
	char **list = calloc(n + 1, sizeof list[0]);
	for (size_t i = 0; list != NULL && i < n; i++)
		if (strncmp(environ_[i], ours, sizeof ours - 1) != 0)
			list[kept++] = environ_[i];
	return list;
}

static int spawn(pid_t *ret, const posix_spawn_file_actions_t *files, const posix_spawnattr_t *attr,
                 char *const *argv, char *const *environ_)
{
	char **variables = creds_process_environ(environ_);
	int bad = variables == NULL ? ENOMEM : posix_spawnp(ret, argv[0], files, attr, argv, variables);
	free(variables);
	return bad;
}

/* The program inherits nothing from the service: no settings, no descriptors, and default signals. */
static int start(struct program *g, char *const *argv, char *const *environ_, const int out[2],
                 const int err[2])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, standard;
	(void)sigemptyset(&none);
	(void)sigfillset(&standard);
	if (posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	int bad = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) |
	          posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO) |
	          posix_spawn_file_actions_adddup2(&files, err[1], STDERR_FILENO) |
	          posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1) |
	          posix_spawnattr_setsigmask(&attr, &none) | posix_spawnattr_setsigdefault(&attr, &standard) |
	          posix_spawnattr_setpgroup(&attr, 0) |
	          posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
	                                                  POSIX_SPAWN_SETPGROUP);
	if (bad == 0)
		bad = spawn(&g->pid, &files, &attr, argv, environ_);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return bad;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Reads what is available, and closes the descriptor at its end.  False: too much. */
static bool take(int *fd, struct buf *out, bool cut)
{
	char space[4096];
	ssize_t n = read(*fd, space, sizeof space);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		shut(fd);
	else if (cut && (size_t)n > out->max - out->len)
		buf_put(out, space, out->max - out->len);
	else
		buf_put(out, space, (size_t)n);
	crypto_wipe(space, sizeof space);
	return !out->failed;
}

/* Read until both ends are closed. */
static enum err_code listen_to(struct program *g, struct err *reterr)
{
	while (g->out >= 0 || g->err >= 0) {
		struct pollfd fds[] = {{.fd = g->out, .events = POLLIN}, {.fd = g->err, .events = POLLIN}};
		if (atomic_load(g->stop))
			return err_set(reterr, ERR_STOPPING, "stopping");
		if (clock_mono_ms() >= g->end_ms)
			return err_set(reterr, ERR_TIMEOUT, "%s took longer than %d s and was ended", setting,
			               LIMIT_MS / 1000);
		if (poll(fds, 2, LOOK_MS) < 0 && errno != EINTR)
			return err_set(reterr, ERR_INTERNAL, "%s: poll: %m", setting);
		if ((fds[0].revents != 0 && !take(&g->out, &g->printed, false)) ||
		    (fds[1].revents != 0 && !take(&g->err, &g->complained, true)))
			return err_set(reterr, ERR_UPSTREAM, "%s printed more than %d bytes", setting,
			               EXCHANGE_BODY_MAX);
	}
	return ERR_OK;
}

/* Wait for its end: it may run on after it has closed its output. */
static enum err_code wait_for(struct program *g, int *ret_status, struct err *reterr)
{
	for (;;) {
		pid_t got = waitpid(g->pid, ret_status, WNOHANG);
		if (got == g->pid || (got < 0 && errno != EINTR)) {
			g->pid = 0;
			return got > 0 ? ERR_OK : err_set(reterr, ERR_INTERNAL, "%s: waitpid: %m", setting);
		}
		if (clock_mono_ms() >= g->end_ms || atomic_load(g->stop))
			return err_set(reterr, ERR_TIMEOUT, "%s took longer than %d s and was ended", setting,
			               LIMIT_MS / 1000);
		(void)poll(NULL, 0, 5);
	}
}

static void end(struct program *g)
{
	int status;
	shut(&g->out);
	shut(&g->err);
	if (g->pid > 0) {
		(void)kill(-g->pid, SIGKILL);
		while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	crypto_wipe_buf(&g->printed);
	buf_done(&g->complained);
}

/* The first line it wrote to standard error, as far as it is safe to log. */
static struct str complaint(const struct program *g)
{
	struct str first, rest;
	(void)str_cut(buf_view(&g->complained), '\n', &first, &rest);
	if (first.n > 100)
		first.n = 100;
	return str_printable(first) ? first : (struct str){NULL, 0};
}

static enum err_code judge(struct program *g, const char *name, int status, struct creds_plan *p,
                           struct err *reterr)
{
	const struct creds_json_shape shape = {.token_key = "SessionToken", .version = 1, .from = setting};
	struct str why = complaint(g);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(reterr, ERR_UPSTREAM, "%s: %.100s ended with %s %d%s%.*s", setting, name,
		               WIFEXITED(status) ? "exit status" : "signal",
		               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
		               why.n > 0 ? ": " : "", (int)why.n, why.p);
	return creds_json_take(buf_view(&g->printed), &shape, p, reterr);
}

static enum err_code run(const struct creds_where *w, char *const *argv, struct creds_plan *p,
                         struct err *reterr)
{
	struct program g = {.out = -1, .err = -1, .end_ms = clock_mono_ms() + LIMIT_MS, .stop = w->stop};
	int out[2] = {-1, -1}, err[2] = {-1, -1}, status = 0;
	enum err_code code = ERR_OK;
	buf_init(&g.printed, EXCHANGE_BODY_MAX);
	buf_init(&g.complained, ERROR_MAX);
	int bad = pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0
	                  ? errno
	                  : start(&g, argv, w->environ_, out, err);
	g.out = out[0];
	g.err = err[0];
	shut(&out[1]);
	shut(&err[1]);
	errno = bad;
	if (bad != 0)
		code = err_set(reterr, ERR_INVALID, "%s: cannot start %.100s: %m", setting, argv[0]);
	if (code == ERR_OK)
		code = listen_to(&g, reterr);
	if (code == ERR_OK)
		code = wait_for(&g, &status, reterr);
	if (code == ERR_OK)
		code = judge(&g, argv[0], status, p, reterr);
	end(&g);
	return code;
}

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const char *line = profile_get(w->profiles, PROFILE_BOTH, w->profile, setting);
	struct shell_words argv;
	struct err why;
	if (line == NULL)
		return ERR_NOT_FOUND;
	enum err_code code = shell_split(str_c(line), &argv, &why);
	if (code != ERR_OK)
		return err_set(reterr, code, "profile %.64s: %s: %s", w->profile, setting, why.msg);
	if (argv.n == 0)
		code = err_set(reterr, ERR_INVALID, "profile %.64s: %s is empty", w->profile, setting);
	else
		code = run(w, argv.v, p, &why);
	if (code != ERR_OK && argv.n > 0)
		(void)err_set(reterr, code, "profile %.64s: %.180s", w->profile, why.msg);
	shell_split_free(&argv);
	(void)snprintf(p->source, sizeof p->source, "%s of profile %.64s", setting, w->profile);
	return code;
}

const struct creds_provider creds_process_provider = {"custom-process", plan};
