#include "store/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "base/file.h"

enum { NAME_RANDOM = 8 }; /* random bytes in the name of the unfinished file */

static enum err_code failed(struct err *reterr, const char *what, const char *path)
{
	bool there = strcmp(what, "make") != 0;
	return err_set(reterr, ERR_STORE, "cannot %s the key file: %m: %s: %s", what,
	               there ? "let this user read it"
	                     : "make its directory and let this user write there, or set LINKD_SEAL_KEY",
	               path);
}

static bool write_all(int fd, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t put = write(fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		n -= (size_t)put;
	}
	return true;
}

static enum err_code check(const struct stat *st, const char *path, struct err *reterr)
{
	if (!S_ISREG(st->st_mode))
		return err_set(reterr, ERR_INVALID, "the key file is not a plain file: %s", path);
	if ((st->st_mode & 077) != 0)
		return err_set(reterr, ERR_INVALID,
		               "the key file can be read by other users: chmod 600 it, and remove it if it "
		               "may have leaked: %s",
		               path);
	if (st->st_size != KEYFILE_LEN)
		return err_set(reterr, ERR_INVALID,
		               "the key file must hold %d bytes, it holds %lld: restore it, or remove it and "
		               "a new one is made: %s",
		               KEYFILE_LEN, (long long)st->st_size, path);
	return ERR_OK;
}

static enum err_code read_key(int fd, const char *path, uint8_t *ret, struct err *reterr)
{
	struct stat st;
	struct buf b;
	char text[KEYFILE_LEN + 2]; /* one byte more than a key, and a NUL */
	if (fstat(fd, &st) != 0)
		return failed(reterr, "read", path);
	enum err_code code = check(&st, path, reterr);
	if (code != ERR_OK)
		return code;
	buf_over(&b, text, sizeof text);
	code = file_read_fd(fd, KEYFILE_LEN, &b, NULL);
	if (code != ERR_OK || b.len != KEYFILE_LEN)
		code = failed(reterr, "read", path);
	else
		memcpy(ret, b.p, KEYFILE_LEN);
	crypto_wipe(text, sizeof text);
	return code;
}

/* ERR_NOT_FOUND: there is no file (reterr untouched). */
static enum err_code load(const char *path, uint8_t *ret, struct err *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : failed(reterr, "open", path);
	enum err_code code = read_key(fd, path, ret, reterr);
	(void)close(fd);
	return code;
}

/* Give the finished file its name unless another process was first. */
static bool publish(const char *unfinished, const char *path)
{
	if (renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return errno == EEXIST;
	return link(unfinished, path) == 0 || errno == EEXIST;
}

static enum err_code write_key(int fd, struct err *reterr, const char *path)
{
	uint8_t key[KEYFILE_LEN];
	if (crypto_random(key, sizeof key) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no random bytes for a new key file");
	bool ok = write_all(fd, key, sizeof key) && fsync(fd) == 0;
	crypto_wipe(key, sizeof key);
	return ok ? ERR_OK : failed(reterr, "write", path);
}

static bool unfinished_name(const char *path, char *ret, size_t cap)
{
	uint8_t random[NAME_RANDOM];
	struct buf hex;
	if (crypto_random(random, sizeof random) != ERR_OK)
		return false;
	buf_init(&hex, sizeof random * 2);
	codec_hex(&hex, random, sizeof random);
	int n = hex.failed ? -1 : snprintf(ret, cap, "%s.%s", path, hex.p);
	buf_done(&hex);
	return n > 0 && (size_t)n < cap;
}

static enum err_code make(const char *path, struct err *reterr)
{
	char unfinished[PATH_MAX];
	if (!unfinished_name(path, unfinished, sizeof unfinished))
		return err_set(reterr, ERR_STORE, "cannot name a new key file: %s", path);
	int fd = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(reterr, "make", path);
	enum err_code code = write_key(fd, reterr, path);
	(void)close(fd);
	if (code == ERR_OK && !(publish(unfinished, path) && file_sync_folder(path)))
		code = failed(reterr, "make", path);
	(void)unlink(unfinished);
	return code;
}

static enum err_code load_or_make(const char *path, uint8_t *ret, struct err *reterr)
{
	enum err_code code = load(path, ret, reterr);
	if (code != ERR_NOT_FOUND)
		return code;
	code = make(path, reterr);
	if (code == ERR_OK)
		code = load(path, ret, reterr); /* ours, or of the process that was first */
	return code == ERR_NOT_FOUND ? failed(reterr, "read", path) : code;
}

enum err_code keyfile_load_or_make(const char *database, uint8_t ret[KEYFILE_LEN], struct err *reterr)
{
	char path[PATH_MAX];
	enum err_code code = ERR_INVALID;
	int n = snprintf(path, sizeof path, "%s.key", database);
	if (n < 0 || (size_t)n >= sizeof path)
		(void)err_set(reterr, code, "the path of the database is too long for a key file beside it");
	else
		code = load_or_make(path, ret, reterr);
	if (code != ERR_OK)
		crypto_wipe(ret, KEYFILE_LEN);
	return code;
}

bool keyfile_exists(const char *database)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s.key", database);
	return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}
