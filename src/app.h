/* app.h - the service, and what the commands share with it: its seal keys, CPUs and signals. */
#pragma once
#include "config/config.h"
#include "link/seal.h"
#include "store/keyfile.h"

/* Start the service, run it until SIGTERM or SIGINT, stop it.  Blocks until it has answered what it received.
 * Errors  why it did not start, with the setting and the remedy. */
MUST_CHECK enum err_code app_serve(const struct config *cfg, struct err *reterr);

/* The listeners of commands, and of workers without a page token; NULL-terminated. */
extern const struct link_listener *const app_listeners[];

/* --- the seal keys: LINKD_SEAL_KEY or, with SQLite, a file beside the database */

struct app_keys {
	size_t n;                      /* 0: none is set, and the store keeps none */
	struct str key[SEAL_KEYS_MAX]; /* the first one seals; borrowed from the settings or from `made` */
	uint8_t made[KEYFILE_LEN];
};

/* Errors  of keyfile.h.  Ownership  app_keys_wipe in any case; do not copy the struct. */
MUST_CHECK enum err_code app_keys_load(const struct config *cfg, struct app_keys *ret, struct err *reterr);
void app_keys_wipe(struct app_keys *k);

/* Derive the key of the log's digests (audit.h) from the first seal key.  Without one digests stay "-". */
MUST_CHECK enum err_code app_keys_audit(const struct app_keys *k, struct err *reterr);

/* --- how many CPUs this process may use
 *
 * The machine's cores are limited by the CPU affinity (taskset, cpusets) and by the CPU quota of the control
 * groups of the process (containers, CPUQuota=).  A quota is rounded up.
 * Source    cgroups(7); cpu.max of the kernel's cgroup-v2.rst; cpu.cfs_quota_us of sched-bwc.rst.
 * Blocking  reads a few small files: at the start only. */

enum { APP_CPUS_MAX = 64 };

/* 1..APP_CPUS_MAX.  `root` is put before the paths below /proc and /sys; it is "" except in tests. */
unsigned app_cpus_count(const char *root);

/* The quota of cgroup v2 from the text of cpu.max: "150000 100000" is 2.  0: no limit, or not understood. */
unsigned app_cpus_of_max(struct str cpu_max);

/* The same for cgroup v1, from the texts of cpu.cfs_quota_us and cpu.cfs_period_us. */
unsigned app_cpus_of_quota(struct str quota, struct str period);

/* Find the path of a v1 `controller`, or of v2 with "", in the text of /proc/self/cgroup.  False: there is
 * none. */
bool app_cpus_path(struct str cgroups, const char *controller, struct str *ret_path);

/* --- the signals of the service, handled one by one on its main thread
 *
 * SIGTERM and SIGINT stop the service.  Every other signal whose default action would end the process
 * (SIGHUP, SIGQUIT, SIGUSR1, the real-time signals and so on) is logged and otherwise ignored.  The signals
 * of the program's own faults (SIGSEGV, SIGABRT and so on) still end it.
 *
 * Threads  app_signals_block before the first thread starts, since threads inherit the mask; app_signals_wait
 *          on the main thread. */

/* Block all these signals; SIGPIPE stays blocked.  A second call changes nothing. */
void app_signals_block(void);

/* Wait for SIGTERM or SIGINT, at most until `end_ms` (monotonic; INT64_MAX: without limit).
 * True: the service must stop.  False: the time is over. */
bool app_signals_wait(int64_t end_ms);
