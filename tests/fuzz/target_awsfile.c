/* The SDKs' shared files.  Input: a config file, a line of "%%", a credentials file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/private.h"
#include "base/buf.h"
#include "fuzz.h"

static const char *const keys[] = {
        "aws_access_key_id", "aws_secret_access_key", "region", "role_arn", "services",
        "source_profile",    "credential_process"};

static bool is_blank_or_comment(struct str line)
{
	struct str inner = str_trim(line);
	return inner.n == 0 || inner.p[0] == '#' || inner.p[0] == ';';
}

static void lower(char *z)
{
	for (; *z != '\0'; z++)
		if (*z >= 'A' && *z <= 'Z')
			*z = (char)(*z + 32);
}

static char *copy(struct str s)
{
	char *z = malloc(s.n + 1);
	FUZZ_MUST(z != NULL);
	if (s.n > 0)
		memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	return z;
}

/* A line at the margin is a section or a pair; the pair's value begins with what stands there. */
static void check_pair(const struct inifile *f, const char *section, struct str line)
{
	struct str text = str_trim(line);
	size_t at = strcspn(text.p, "=:");
	FUZZ_MUST(at < text.n && section != NULL);
	char *key = copy(str_trim((struct str){text.p, at}));
	lower(key);
	const char *value = inifile_get(f, section, key);
	FUZZ_MUST(key[0] != '\0' && value != NULL);
	FUZZ_MUST(str_starts(str_c(value), str_trim((struct str){text.p + at + 1, text.n - at - 1})));
	free(key);
}

static size_t check_lines(const struct inifile *f, struct str text)
{
	const char *section = NULL;
	struct str line;
	size_t sections = 0;
	while (str_next(&text, '\n', &line)) {
		bool margin = line.n > 0 && str_trim((struct str){line.p, 1}).n == 1;
		if (!margin || is_blank_or_comment(line))
			continue;
		struct str inner = str_trim(line);
		const char *last = inner.n > 2 && inner.p[0] == '[' ? memrchr(inner.p + 2, ']', inner.n - 2)
		                                                    : NULL;
		if (last == NULL) {
			check_pair(f, section, line);
			continue;
		}
		section = inifile_section(f, sections++);
		for (size_t i = 0; i + 1 < sections; i++)
			FUZZ_MUST(section != NULL && strcmp(section, inifile_section(f, i)) != 0);
		FUZZ_MUST(section != NULL &&
		          str_is((struct str){inner.p + 1, (size_t)(last - inner.p - 1)}, section));
	}
	return sections;
}

/* An indented line may open a section too; then what is at the margin is not all. */
static bool has_indented_section(struct str text)
{
	struct str line;
	while (str_next(&text, '\n', &line)) {
		struct str inner = str_trim(line);
		if (inner.n > 0 && inner.p != line.p && inner.p[0] == '[')
			return true;
	}
	return false;
}

static void check_file(struct str text)
{
	struct inifile *f = NULL;
	struct err err = {.code = ERR_OK};
	char *z = copy(text); /* so that strcspn ends */
	enum err_code code = inifile_parse(text, "FILE", &f, &err);
	FUZZ_MUST(code == ERR_OK ||
	          (code == ERR_INVALID && err.code == code && strstr(err.msg, "FILE") != NULL));
	if (code == ERR_OK) {
		FUZZ_MUST(strlen(z) == text.n);
		if (!has_indented_section(text)) {
			size_t n = check_lines(f, (struct str){z, text.n});
			FUZZ_MUST(inifile_section(f, n) == NULL);
		}
	}
	inifile_free(f);
	free(z);
}

static bool is_line_of(const char *value)
{
	return value == NULL || (str_eq(str_trim(str_c(value)), str_c(value)) || strchr(value, '\n') != NULL);
}

static void check_profiles(const char *name, struct str config, struct str credentials)
{
	char config_path[64], credentials_path[64], profile[300];
	char *environ_[] = {config_path, credentials_path, profile, NULL};
	struct profiles *p = NULL;
	struct err err = {.code = ERR_OK};
	struct str url;
	(void)snprintf(config_path, sizeof config_path, "AWS_CONFIG_FILE=/proc/self/fd/%d",
	               fuzz_file(0, config));
	(void)snprintf(credentials_path, sizeof credentials_path,
	               "AWS_SHARED_CREDENTIALS_FILE=/proc/self/fd/%d", fuzz_file(1, credentials));
	(void)snprintf(profile, sizeof profile, "AWS_PROFILE=%s", name);
	enum err_code code = profile_load(environ_, &p, &err);
	FUZZ_MUST(code == ERR_OK || (code == ERR_INVALID && err.code == code));
	if (code != ERR_OK)
		return;
	FUZZ_MUST(strcmp(profile_name(p), name[0] != '\0' ? name : "default") == 0);
	FUZZ_MUST(name[0] == '\0' || profile_exists(p, name));
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		const char *both = profile_get(p, PROFILE_BOTH, profile_name(p), keys[i]);
		const char *one = profile_get(p, PROFILE_CREDENTIALS, profile_name(p), keys[i]);
		const char *two = profile_get(p, PROFILE_CONFIG, profile_name(p), keys[i]);
		FUZZ_MUST(both == (one != NULL ? one : two) && is_line_of(both));
	}
	if (profile_service_url(p, profile_name(p), "dynamodb", &url))
		FUZZ_MUST(url.n > 0 && str_eq(str_trim(url), url) && !str_has(url, '\n'));
	profile_free(p);
}

/* The word in double quotes, or in single ones, which hold anything but themselves. */
static void quote(struct buf *out, const char *word, bool single)
{
	single = single && strchr(word, '\'') == NULL;
	buf_z(out, single ? "'" : "\"");
	for (const char *c = word; *c != '\0'; c++) {
		if (!single && (*c == '"' || *c == '\\'))
			buf_z(out, "\\");
		buf_put(out, c, 1);
	}
	buf_z(out, single ? "' " : "\" ");
}

/* Each word in quotes gives the same words again. */
static void check_words(struct str text, bool single)
{
	struct shell_words w = {0}, again = {0};
	struct err err;
	struct buf out;
	if (shell_split(text, &w, &err) != ERR_OK)
		return;
	buf_init(&out, 8 * text.n + 1024);
	for (size_t i = 0; i < w.n; i++)
		quote(&out, w.v[i], single);
	FUZZ_MUST(w.n <= SHELL_WORDS_MAX && w.v[w.n] == NULL && !out.failed);
	FUZZ_MUST(shell_split(buf_view(&out), &again, &err) == ERR_OK && again.n == w.n);
	for (size_t i = 0; i < w.n; i++)
		FUZZ_MUST(strcmp(w.v[i], again.v[i]) == 0);
	shell_split_free(&w);
	shell_split_free(&again);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str all = {(const char *)data, n}, config = all, credentials = {NULL, 0};
	const char *at = n > 0 ? memmem(data, n, "\n%%\n", 4) : NULL;
	if (at != NULL) {
		config.n = (size_t)(at - all.p) + 1;
		credentials = (struct str){at + 4, all.n - config.n - 3};
	}
	check_file(config);
	check_file(credentials);
	check_profiles("", config, credentials);
	check_profiles("two words", config, credentials);
	check_words(all, false);
	check_words(all, true);
	return 0;
}
