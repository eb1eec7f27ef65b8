#include "base/ini.h"

static bool section(struct str text, struct str *ret_name)
{
	if (text.p[0] != '[')
		return false;
	for (size_t end = text.n - 1; end > 0; end--)
		if (text.p[end] == ']') {
			*ret_name = (struct str){text.p + 1, end - 1};
			return true;
		}
	return false;
}

static bool pair(struct str text, struct str *ret_key, struct str *ret_value)
{
	size_t at = 0;
	while (at < text.n && text.p[at] != '=' && text.p[at] != ':')
		at++;
	struct str key = str_trim((struct str){text.p, at});
	if (at == text.n || key.n == 0)
		return false;
	*ret_key = key;
	*ret_value = (struct str){text.p + at + 1, text.n - at - 1};
	return true;
}

bool ini_next(struct ini *f, struct ini_line *ret)
{
	struct str line;
	while (str_next(&f->rest, '\n', &line)) {
		struct str text = str_trim(line);
		f->number++;
		if (text.n == 0 || text.p[0] == '#' || text.p[0] == ';')
			continue;
		*ret = (struct ini_line){
		        .number = f->number, .indent = (size_t)(text.p - line.p), .text = text};
		if (section(text, &ret->key))
			ret->kind = INI_SECTION;
		else
			ret->kind = pair(text, &ret->key, &ret->value) ? INI_PAIR : INI_OTHER;
		return true;
	}
	return false;
}
