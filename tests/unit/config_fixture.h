/* config_fixture.h - settings for a test: variables given as text, files in a folder of the test's own. */
#pragma once
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

/* A new file with these bytes; its name is the caller's to unlink. */
static inline void fixture_file(char name[32], struct str s)
{
	(void)snprintf(name, 32, "/tmp/test_config.XXXXXX");
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p == NULL ? "" : s.p, s.n), (ssize_t)s.n);
	(void)close(fd);
}

/* What a load gave: settings, or problems. */
struct loaded {
	struct config *c; /* NULL: refused */
	struct buf problems, warnings;
	struct err e;
};

static inline struct loaded load_scope(unsigned scope, const char *file, char *const *variables)
{
	struct loaded l = {.c = NULL};
	struct config_from from = {.file = file, .environ_ = variables, .scope = scope};
	struct config_findings found;
	config_findings_init(&found);
	enum err_code code = config_load(&from, &l.c, &found, &l.e);
	assert_true((code == ERR_OK) == (l.c != NULL));
	assert_true(code == ERR_OK || code == ERR_INVALID);
	assert_true((code == ERR_OK) == (found.problems.len == 0));
	buf_z(&found.problems, "");
	buf_z(&found.warnings, "");
	l.problems = found.problems;
	l.warnings = found.warnings;
	return l;
}

static inline struct loaded load(const char *file, char *const *variables)
{
	return load_scope(CONFIG_SERVICE, file, variables);
}

static inline void loaded_done(struct loaded *l)
{
	config_free(l->c);
	buf_done(&l->problems);
	buf_done(&l->warnings);
}
