#include "config/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

bool config_file_open_to_all(const char *path)
{
	struct stat st;
	char real[PATH_MAX];
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0 &&
	       realpath(path, real) != NULL && reached_by_all(real);
}
