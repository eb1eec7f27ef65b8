/* app_cpus.h - how many CPUs this process may use.
 *
 * Two things bound it below the number of cores of the machine: the CPU affinity (taskset, cpusets) and the
 * CPU quota of the control groups the process is in (containers, CPUQuota=).  A quota is rounded up.
 * Source    cgroups(7); cpu.max of the kernel's cgroup-v2.rst; cpu.cfs_quota_us of sched-bwc.rst.
 * Blocking  reads a few small files: at the start only. */
#pragma once
#include "base/str.h"

enum { APP_CPUS_MAX = 64 };

/* 1..APP_CPUS_MAX.  `root` is put before the paths below /proc and /sys; "" but in tests. */
unsigned app_cpus_count(const char *root);

/* The quota of cgroup v2, text of cpu.max: "150000 100000" is 2.  0: no limit, or not understood. */
unsigned app_cpus_of_max(struct str cpu_max);

/* The same of cgroup v1: texts of cpu.cfs_quota_us and cpu.cfs_period_us. */
unsigned app_cpus_of_quota(struct str quota, struct str period);

/* The path of a v1 `controller`, or with "" of v2, in the text of /proc/self/cgroup.  False: not there. */
bool app_cpus_path(struct str cgroups, const char *controller, struct str *ret_path);
