/* How many CPUs the process may use: texts of control groups, their trees, the affinity. */
#include "test.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"

static char root[64];

static int fresh(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof root, "/tmp/app-cpus-XXXXXX");
	return mkdtemp(root) != NULL ? 0 : -1;
}

static int cleared(void **state)
{
	char command[96];
	(void)state;
	(void)snprintf(command, sizeof command, "rm -r %s", root);
	return system(command);
}

/* Write a file below `root`, with its folders. */
static void put(const char *name, const char *text)
{
	char path[512];
	int n = snprintf(path, sizeof path, "%s%s", root, name);
	assert_in_range(n, 1, sizeof path - 1);
	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_cpu_max(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned cpus;
	} row[] = {
	        {"max 100000\n", 0},  {"100000 100000\n", 1}, {"150000 100000\n", 2}, {"50000 100000\n", 1},
	        {"1000 100000", 1},   {"800000 100000\n", 8}, {"20000 10000\n", 2},   {"", 0},
	        {"200000\n", 0},      {"0 100000\n", 0},      {"100000 0\n", 0},      {"-1 100000\n", 0},
	        {"99999999999 1", 0}, {"x y\n", 0},
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_int_equal(app_cpus_of_max(str_c(row[i].text)), row[i].cpus);
}

static void test_cfs_quota(void **state)
{
	(void)state;
	assert_int_equal(app_cpus_of_quota(STR("-1\n"), STR("100000\n")), 0);
	assert_int_equal(app_cpus_of_quota(STR("100000\n"), STR("100000\n")), 1);
	assert_int_equal(app_cpus_of_quota(STR("250000\n"), STR("100000\n")), 3);
	assert_int_equal(app_cpus_of_quota(STR(""), STR("")), 0);
}

static void test_path(void **state)
{
	(void)state;
	const struct str mixed = STR("12:cpuset:/a\n4:cpu,cpuacct:/b:c\n0::/d\n");
	struct str path;
	assert_true(app_cpus_path(mixed, "", &path));
	assert_true(str_is(path, "/d"));
	assert_true(app_cpus_path(mixed, "cpu", &path));
	assert_true(str_is(path, "/b:c"));
	assert_false(app_cpus_path(mixed, "memory", &path));
	assert_false(app_cpus_path(STR("nonsense\n"), "", &path));
	assert_false(app_cpus_path(STR(""), "cpu", &path));
}

/* One CPU by affinity would hide every quota. */
static bool several(void)
{
	return app_cpus_count("/nowhere") > 1;
}

static void test_v2_tree(void **state)
{
	(void)state;
	put("/proc/self/cgroup", "0::/system.slice/linkd.service\n");
	put("/sys/fs/cgroup/system.slice/linkd.service/cpu.max", "max 100000\n");
	unsigned all = app_cpus_count(root);
	assert_int_equal(all, app_cpus_count("/nowhere"));
	put("/sys/fs/cgroup/system.slice/cpu.max", "90000 100000\n"); /* the limit of the slice holds too */
	assert_int_equal(app_cpus_count(root), 1);
	put("/sys/fs/cgroup/system.slice/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/system.slice/linkd.service/cpu.max", "6400000 100000\n");
	assert_int_equal(app_cpus_count(root), all); /* a quota above the affinity adds none */
	if (!several())
		return;
	put("/sys/fs/cgroup/system.slice/linkd.service/cpu.max", "110000 100000\n");
	assert_int_equal(app_cpus_count(root), 2);
}

static void test_inside_a_container(void **state)
{
	(void)state;
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
	assert_int_equal(app_cpus_count(root), 1);
}

/* The path is the host's, the mounted tree begins at the container. */
static void test_v1_inside_a_container(void **state)
{
	(void)state;
	put("/proc/self/cgroup", "5:cpuset:/\n4:cpu,cpuacct:/docker/0123\n0::/\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	assert_int_equal(app_cpus_count(root), 1);
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	assert_int_equal(app_cpus_count(root), app_cpus_count("/nowhere"));
	put("/sys/fs/cgroup/cpu/docker/0123/cpu.cfs_quota_us", "30000\n");
	put("/sys/fs/cgroup/cpu/docker/0123/cpu.cfs_period_us", "100000\n");
	assert_int_equal(app_cpus_count(root), 1);
}

/* What is too long for a path is left out. */
static void test_a_long_path(void **state)
{
	(void)state;
	static char text[2000] = "0::/";
	memset(text + 4, 'a', sizeof text - 5);
	put("/proc/self/cgroup", text);
	put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
	assert_int_equal(app_cpus_count(root), 1);
}

static void test_affinity(void **state)
{
	(void)state;
	cpu_set_t before, one;
	CPU_ZERO(&one);
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	assert_int_equal(app_cpus_count("/nowhere"),
	                 CPU_COUNT(&before) > APP_CPUS_MAX ? APP_CPUS_MAX : CPU_COUNT(&before));
	for (size_t n = 0; CPU_COUNT(&one) == 0; n++)
		if (CPU_ISSET(n, &before))
			CPU_SET(n, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(app_cpus_count(""), 1);
	assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, cleared)
	const struct CMUnitTest tests[] = {
	        TEST(test_cpu_max),     TEST(test_cfs_quota),          TEST(test_path),
	        TEST(test_v2_tree),     TEST(test_inside_a_container), TEST(test_v1_inside_a_container),
	        TEST(test_a_long_path), TEST(test_affinity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
