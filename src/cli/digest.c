/* account-linkd digest */
#include "base/crypto.h"
#include "cli/cli.h"
#include "cli/cli_audit.h"
#include "link/seal.h"

static int show(struct cli *c, struct str value)
{
	cli_str(c, "digest", str_c(audit_digest(value).s));
	if (str_has(value, '@'))
		cli_str(c, "email_digest", str_c(audit_digest_email(value).s));
	return cli_done(c);
}

static int show_secret(struct cli *c)
{
	struct buf value;
	int rc = cli_read_secret(c, SEAL_TEXT_MAX, &value) ? show(c, buf_view(&value)) : c->rc;
	crypto_wipe_buf(&value);
	return rc;
}

int cli_digest(struct cli *c)
{
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 1) || !cli_audit_load(c))
		return c->rc;
	return c->argc > 0 ? show(c, str_c(c->argv[0])) : show_secret(c);
}
