#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err_code file_read_fd(int fd, size_t max, struct buf *out, struct err *reterr)
{
	if (!buf_reserve(out, max + 1))
		return err_set(reterr, ERR_NOMEM, "cannot be read: no memory");
	size_t have = 0;
	while (have <= max) {
		ssize_t n = read(fd, out->p + out->len, max + 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(reterr, ERR_INVALID, "cannot be read: %m");
		out->p[out->len += (size_t)n] = '\0';
		have += (size_t)n;
		if (n == 0)
			return ERR_OK;
	}
	return err_set(reterr, ERR_INVALID, "is larger than %zu bytes", max);
}

enum err_code file_read(const char *path, enum file_kind kind, size_t max, struct buf *out,
                        struct err *reterr)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (kind == FILE_PLAIN ? O_NONBLOCK : 0));
	if (fd < 0)
		return err_set(reterr, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_INVALID,
		               "cannot be read: %m");
	enum err_code code;
	if (kind == FILE_PLAIN && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
		code = err_set(reterr, ERR_NOT_FOUND, "is not a plain file");
	else
		code = file_read_fd(fd, max, out, reterr);
	(void)close(fd);
	return code;
}

/* May every user enter all folders above?  `path` is absolute, without links; it is cut short. */
static bool reached_by_all(char *path)
{
	struct stat st;
	for (char *slash = strrchr(path, '/'); slash != NULL && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (stat(path, &st) != 0 || (st.st_mode & S_IXOTH) == 0)
			return false;
	}
	return true;
}

bool file_open_to_all(const char *path)
{
	struct stat st;
	char real[PATH_MAX];
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0 &&
	       realpath(path, real) != NULL && reached_by_all(real);
}

bool file_sync_folder(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int n = slash == NULL || slash == path ? 1 : (int)(slash - path);
	(void)snprintf(dir, sizeof dir, "%.*s", n, slash == NULL ? "." : path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = fsync(fd) == 0 || errno == EINVAL; /* EINVAL: a file system that has no such thing */
	(void)close(fd);
	return ok;
}
