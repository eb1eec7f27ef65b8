#include "config/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

bool config_list_add(struct strlist *l, struct str item)
{
	char **v = realloc(l->v, (l->n + 1) * sizeof *v);
	if (v == NULL)
		return false;
	l->v = v;
	char *copy = strndup(item.n > 0 ? item.p : "", item.n);
	if (copy == NULL)
		return false;
	v[l->n++] = copy;
	return true;
}

void config_list_free(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		crypto_wipe(l->v[i], strlen(l->v[i]));
		free(l->v[i]);
	}
	free(l->v);
	*l = (struct strlist){0, NULL};
}
