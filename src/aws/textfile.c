#include "aws/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err_code read_all(int fd, size_t max, struct buf *out, struct err *reterr)
{
	size_t start = out->len;
	for (;;) {
		if (!buf_reserve(out, 4096))
			return err_set(reterr, ERR_NOMEM, "no memory for a file");
		ssize_t n = read(fd, out->p + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(reterr, ERR_INVALID, "cannot be read: %m");
		if (n == 0)
			return ERR_OK;
		out->len += (size_t)n;
		out->p[out->len] = '\0';
		if (out->len - start > max)
			return err_set(reterr, ERR_INVALID, "is larger than %zu bytes", max);
	}
}

enum err_code textfile_read(const char *path, size_t max, struct buf *out, struct err *reterr)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe of that name must not hold us */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(reterr, ERR_NOT_FOUND, "does not exist");
	if (fd < 0)
		return err_set(reterr, ERR_INVALID, "cannot be opened: %m");
	enum err_code code;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		code = err_set(reterr, ERR_NOT_FOUND, "is not a file");
	else
		code = read_all(fd, max, out, reterr);
	(void)close(fd);
	return code;
}
