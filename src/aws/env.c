#include "aws/env.h"

#include <stdlib.h>
#include <string.h>

const char *env_get(char *const *environ_, const char *name)
{
	size_t n = strlen(name);
	for (; environ_ != NULL && *environ_ != NULL; environ_++)
		if (strncmp(*environ_, name, n) == 0 && (*environ_)[n] == '=')
			return (*environ_)[n + 1] != '\0' ? *environ_ + n + 1 : NULL;
	return NULL;
}

char **env_for_program(char *const *environ_)
{
	static const char ours[] = "LINKD_";
	size_t n = 0, kept = 0;
	while (environ_[n] != NULL)
		n++;
	char **list = calloc(n + 1, sizeof list[0]);
	for (size_t i = 0; list != NULL && i < n; i++)
		if (strncmp(environ_[i], ours, sizeof ours - 1) != 0)
			list[kept++] = environ_[i];
	return list;
}
