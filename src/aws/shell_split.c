#include "aws/private.h"

#include <stdlib.h>

struct splitter {
	struct str text;
	size_t at;
	char *out; /* where the next character goes; never ahead of the input */
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The quoted part up to its end.  False: there is none. */
static bool take_quoted(struct splitter *s, char quote)
{
	for (; s->at < s->text.n; s->at++) {
		char c = s->text.p[s->at];
		if (c == quote) {
			s->at++;
			return true;
		}
		struct str after = {s->text.p + s->at + 1, s->text.n - s->at - 1};
		if (quote == '"' && c == '\\' && after.n > 0 && (after.p[0] == '"' || after.p[0] == '\\')) {
			c = after.p[0];
			s->at++;
		}
		*s->out++ = c;
	}
	return false;
}

static bool take_word(struct splitter *s)
{
	while (s->at < s->text.n && !blank(s->text.p[s->at])) {
		char c = s->text.p[s->at++];
		if (c == '\'' || c == '"') {
			if (!take_quoted(s, c))
				return false;
			continue;
		}
		if (c == '\\') {
			if (s->at == s->text.n)
				return false;
			c = s->text.p[s->at++];
		}
		*s->out++ = c;
	}
	*s->out++ = '\0';
	return true;
}

static enum err_code fill(struct shell_words *w, struct str text, struct err *reterr)
{
	struct splitter s = {.text = text, .out = w->space};
	for (;;) {
		while (s.at < text.n && blank(text.p[s.at]))
			s.at++;
		if (s.at == text.n)
			return ERR_OK;
		if (w->n == SHELL_WORDS_MAX)
			return err_set(reterr, ERR_INVALID, "more than %d words", SHELL_WORDS_MAX);
		w->v[w->n++] = s.out;
		if (!take_word(&s))
			return err_set(reterr, ERR_INVALID, "a quote or backslash has no end");
	}
}

enum err_code shell_split(struct str text, struct shell_words *ret, struct err *reterr)
{
	struct shell_words w = {
	        .space = malloc(text.n + 2)}; /* a word with its NUL is not longer than its source */
	if (w.space == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a command line");
	enum err_code code = str_has(text, '\0') ? err_set(reterr, ERR_INVALID, "a NUL in a command line")
	                                         : fill(&w, text, reterr);
	if (code == ERR_OK)
		*ret = w;
	else
		shell_split_free(&w);
	return code;
}

void shell_split_free(struct shell_words *w)
{
	free(w->space);
	*w = (struct shell_words){0};
}
