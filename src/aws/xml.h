/* xml.h - the subset of XML in the answers of STS: elements, attributes (ignored), text.
 *
 * Strict: tags must match, one root, nothing after it; no DOCTYPE, CDATA or processing instruction except the
 * declaration; only the five named entities and numbers of characters.  A value is found by the names of all
 * its parents, so text that looks like a tag is never taken for one. */
#pragma once
#include "base/buf.h"

enum { XML_DEPTH_MAX = 16 };

struct xml_want {
	const char *path; /* "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId" */
	struct buf value; /* to be initialised; the text, entities resolved, not trimmed */
	bool found;
};

/* Fills the wanted values, of elements without children.
 * Errors  ERR_INVALID: not such XML, or a wanted element occurs twice; ERR_NOMEM. */
MUST_CHECK enum err_code xml_read(struct str text, struct xml_want *want, size_t n, struct err *reterr);
