#include "app.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/log.h"

enum { TELL_AGAIN_MS = 60000, SIGNALS_MAX = 128, SIGNAL_NAME_MAX = 32 };

static const int ignored[] = {SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
                              SIGPROF, SIGIO,   SIGPWR,  SIGXCPU, SIGXFSZ, SIGSTKFLT};

static sigset_t taken(void)
{
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		(void)sigaddset(&set, ignored[i]);
	for (int n = SIGRTMIN; n <= SIGRTMAX; n++)
		(void)sigaddset(&set, n);
	return set;
}

void app_signals_block(void)
{
	sigset_t set = taken();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* "SIGHUP", "SIGRTMIN+3" */
static void name_of(int n, char ret[SIGNAL_NAME_MAX])
{
	const char *abbrev = sigabbrev_np(n);
	if (abbrev != NULL)
		(void)snprintf(ret, SIGNAL_NAME_MAX, "SIG%s", abbrev);
	else
		(void)snprintf(ret, SIGNAL_NAME_MAX, n > SIGRTMIN ? "SIGRTMIN+%d" : "SIGRTMIN", n - SIGRTMIN);
}

/* At most one line per minute and signal, so that many signals do not fill the log. */
static void tell_ignored(const siginfo_t *info)
{
	static int64_t again_ms[SIGNALS_MAX]; /* used by the main thread; 0: not logged yet */
	int64_t now_ms = clock_mono_ms();
	int n = info->si_signo;
	char name[SIGNAL_NAME_MAX];
	if (n >= SIGNALS_MAX || now_ms < again_ms[n])
		return;
	again_ms[n] = now_ms + TELL_AGAIN_MS;
	name_of(n, name);
	log_line(LOG_WARN, "signal_ignored", log_z("signal", name), log_int("sender_pid", info->si_pid),
	         log_int("sender_uid", info->si_uid),
	         log_z("hint",
	               "The service goes on with the settings it started with; SIGTERM and SIGINT stop it."));
}

static int next_signal(const sigset_t *set, int64_t end_ms, siginfo_t *ret)
{
	if (end_ms == INT64_MAX)
		return sigwaitinfo(set, ret);
	int64_t left_ms = end_ms - clock_mono_ms();
	if (left_ms < 0)
		left_ms = 0;
	struct timespec limit = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
	return sigtimedwait(set, ret, &limit);
}

bool app_signals_wait(int64_t end_ms)
{
	const sigset_t set = taken();
	for (;;) {
		siginfo_t info = {.si_signo = 0};
		switch (next_signal(&set, end_ms, &info)) {
		case SIGTERM:
		case SIGINT: return true;
		case -1:
			if (errno != EINTR)
				return false;
			break;
		default: tell_ignored(&info); break;
		}
	}
}
