#include "cli/cli.h"

/* Print one item per line. */
static void list_lines(struct cli *c, const char *key, const struct buf *lines)
{
	struct str rest = buf_view(lines), line;
	cli_list(c, key);
	while (str_next(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		cli_item(c);
		cli_str(c, "text", line);
	}
	cli_list_end(c);
}

/* As text, the errors are already on `err`, and nothing is printed; in JSON they are in the result too. */
static int show(struct cli *c, bool ok, const struct config_findings *found)
{
	if (!ok && !c->json)
		return c->rc;
	cli_str(c, "status", ok ? STR("ok") : STR("failed"));
	if (!ok)
		list_lines(c, "errors", &found->problems);
	list_lines(c, "warnings", &found->warnings);
	int rc = cli_done(c);
	return ok ? rc : c->rc;
}

int cli_check_config(struct cli *c)
{
	struct config *cfg = NULL;
	struct config_findings found;
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0))
		return c->rc;
	config_findings_init(&found);
	bool ok = cli_config_found(c, CONFIG_SERVICE, &cfg, &found);
	int rc = show(c, ok, &found);
	config_free(cfg);
	config_findings_done(&found);
	return rc;
}
