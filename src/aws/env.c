#include "aws/env.h"

#include <stddef.h>
#include <string.h>

const char *env_get(char *const *environ_, const char *name)
{
	size_t n = strlen(name);
	for (; environ_ != NULL && *environ_ != NULL; environ_++)
		if (strncmp(*environ_, name, n) == 0 && (*environ_)[n] == '=')
			return (*environ_)[n + 1] != '\0' ? *environ_ + n + 1 : NULL;
	return NULL;
}
