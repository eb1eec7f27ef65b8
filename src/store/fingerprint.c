#include "store/fingerprint.h"

#include "base/digest.h"

enum err_code fingerprint_check(struct str hash, const char *wanted, bool *ret_same)
{
	char own[STORE_DIGEST_LEN + 1];
	*ret_same = true;
	if (wanted[0] == '\0')
		return ERR_OK;
	enum err_code code = digest_text(hash, own);
	*ret_same = code == ERR_OK && str_is(str_c(wanted), own);
	return code;
}
