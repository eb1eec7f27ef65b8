#include "login/email.h"

bool email_read(struct str typed, char ret[STORE_EMAIL_MAX + 1])
{
	struct str email = str_trim(typed), local, domain;
	ret[0] = '\0';
	for (size_t i = 0; i < email.n; i++)
		if ((unsigned char)email.p[i] < 0x20 || email.p[i] == 0x7f)
			return false;
	if (!str_cut(email, '@', &local, &domain) || local.n == 0 || domain.n == 0 || str_has(domain, '@'))
		return false;
	return str_copy(ret, STORE_EMAIL_MAX + 1, email);
}

bool email_lower(char *email)
{
	bool changed = false;
	for (char *c = email; *c != '\0'; c++) {
		if (*c < 'A' || *c > 'Z')
			continue;
		*c = (char)(*c - 'A' + 'a');
		changed = true;
	}
	return changed;
}
