#include "aws/ddb/private.h"

#include <stdio.h>
#include <string.h>

/* name after the '#', class */
#define ERRORS(X)                                           \
	X(ConditionalCheckFailedException, CONDITION)       \
	X(ProvisionedThroughputExceededException, THROTTLE) \
	X(ThrottlingException, THROTTLE)                    \
	X(Throttling, THROTTLE)                             \
	X(RequestLimitExceeded, THROTTLE)                   \
	X(LimitExceededException, THROTTLE)                 \
	X(TransactionInProgressException, THROTTLE)         \
	X(InternalServerError, TRANSIENT)                   \
	X(InternalFailure, TRANSIENT)                       \
	X(ServiceUnavailable, TRANSIENT)                    \
	X(ServiceUnavailableException, TRANSIENT)           \
	X(ReplicatedWriteConflictException, TRANSIENT)      \
	X(TransactionConflictException, TRANSIENT)          \
	X(UnrecognizedClientException, CREDENTIALS)         \
	X(ExpiredTokenException, CREDENTIALS)               \
	X(ExpiredToken, CREDENTIALS)                        \
	X(InvalidSignatureException, CREDENTIALS)           \
	X(RequestExpired, CREDENTIALS)                      \
	X(AccessDeniedException, DENIED)                    \
	X(AccessDenied, DENIED)                             \
	X(MissingAuthenticationTokenException, FAULT)       \
	X(IncompleteSignatureException, FAULT)              \
	X(ResourceNotFoundException, NOT_FOUND)             \
	X(TableNotFoundException, NOT_FOUND)                \
	X(ResourceInUseException, IN_USE)                   \
	X(ValidationException, VALIDATION)                  \
	X(SerializationException, FAULT)                    \
	X(UnknownOperationException, FAULT)                 \
	X(ItemCollectionSizeLimitExceededException, VALIDATION)

static const struct {
	const char *name;
	enum ddb_class class;
} errors[] = {
#define X(name, class) {#name, DDB_##class},
        ERRORS(X)
#undef X
};

/* "com.amazonaws.dynamodb.v20120810#Name:http://..." -> "Name" */
static struct str short_name(struct str type)
{
	struct str head, tail;
	(void)str_cut(type, ':', &head, &tail);
	while (str_cut(head, '#', &type, &tail))
		head = tail;
	return head;
}

static void copy_printable(char *ret, size_t cap, struct str s)
{
	size_t n = 0;
	for (; n < s.n && n + 1 < cap; n++)
		ret[n] = (char)(s.p[n] >= 0x20 && s.p[n] < 0x7f ? s.p[n] : '?');
	ret[n] = '\0';
}

static enum ddb_class by_name(struct str name, enum ddb_class otherwise)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (str_is(name, errors[i].name))
			return errors[i].class;
	return otherwise;
}

static enum ddb_class by_status(long status)
{
	if (status >= 500)
		return DDB_TRANSIENT;
	if (status == 429)
		return DDB_THROTTLE;
	return status == 403 ? DDB_DENIED : DDB_FAULT;
}

/* DynamoDB's words, then those of DynamoDB Local: they have no name of their own. */
static bool about_keys(const char *text)
{
	return strstr(text, "key element does not match the schema") != NULL ||
	       strstr(text, "number of conditions on the keys is invalid") != NULL ||
	       strstr(text, "required keys was not given a value") != NULL;
}

void ddb_error_read(long status, const struct json *body, struct ddb_error *ret)
{
	struct str name = short_name(json_str(json_get(body, "__type")));
	struct str text = json_str(json_get(body, "message"));
	if (text.n == 0)
		text = json_str(json_get(body, "Message"));
	ret->class = by_name(name, by_status(status));
	if (status >= 500 && ret->class == DDB_FAULT)
		ret->class = DDB_TRANSIENT;
	copy_printable(ret->name, sizeof ret->name, name);
	copy_printable(ret->text, sizeof ret->text, text);
	if (ret->class == DDB_VALIDATION && about_keys(ret->text))
		ret->class = DDB_KEYS;
	if (ret->class == DDB_VALIDATION && strstr(ret->text, "Item size") != NULL)
		ret->class = DDB_TOO_LARGE;
	if (name.n == 0)
		(void)snprintf(ret->name, sizeof ret->name, "HTTP %ld", status);
}

/* Calls about tables quote nobody's data. */
static bool about_table(const char *operation)
{
	size_t n = strlen(operation);
	return (n > 5 && strcmp(operation + n - 5, "Table") == 0) || strstr(operation, "Backups") != NULL;
}

static const char *or_none(const char *z)
{
	return z == NULL ? "" : z;
}

/* A part of a sentence, with the punctuation that joins it to the rest; may be empty. */
struct phrase {
	char s[DDB_NAME_MAX + DDB_TEXT_MAX + 80];
};

/* "InternalServerError", "ValidationException: its text", or the connection's error and what to check. */
static struct phrase what_happened(const struct ddb_error *e, bool with_text)
{
	struct phrase p;
	if (e->own_text && e->text[0] != '\0')
		(void)snprintf(p.s, sizeof p.s,
		               "%s; check the network, AWS_REGION and AWS_ENDPOINT_URL_DYNAMODB", e->text);
	else
		(void)snprintf(p.s, sizeof p.s, "%s%s%s", e->name,
		               with_text && e->text[0] != '\0' ? ": " : "", with_text ? e->text : "");
	return p;
}

/* AWS support asks for the request id; without an answer there is none. */
static struct phrase request(const struct ddb_context *x)
{
	struct phrase p;
	const char *id = or_none(x->request_id);
	(void)snprintf(p.s, sizeof p.s, "%s%s", id[0] == '\0' ? "" : ", request ", id);
	return p;
}

enum err_code ddb_error_say(const struct ddb_error *e, const struct ddb_context *x, struct err *reterr)
{
	const char *op = or_none(x->operation), *table = or_none(x->table), *region = or_none(x->region),
	           *keys = or_none(x->keys_from);
	struct phrase why = what_happened(e, about_table(op)), id = request(x);
	switch (e->class) {
	case DDB_THROTTLE:
		return err_set(reterr, ERR_STORE,
		               "DynamoDB throttles %s on table %s (%s): use on-demand billing or raise its "
		               "limits%s",
		               op, table, e->name, id.s);
	case DDB_TRANSIENT:
		return err_set(reterr, ERR_STORE, "DynamoDB did not answer %s on table %s: %s%s", op, table,
		               why.s, id.s);
	case DDB_CREDENTIALS:
		return err_set(reterr, ERR_STORE,
		               "AWS refuses the credentials from %s (%s): renew them, and look at the clock "
		               "of this machine%s",
		               keys, e->name, id.s);
	case DDB_DENIED:
		return err_set(reterr, ERR_STORE,
		               "AWS denies dynamodb:%s on table %s to the credentials from %s: allow it in "
		               "their IAM policy%s",
		               op, table, keys, id.s);
	case DDB_NOT_FOUND:
		return err_set(reterr, ERR_STORE,
		               "there is no table %s in region %s for the credentials from %s: look at "
		               "LINKD_STORE and AWS_REGION, or make it with account-linkd create-table",
		               table, region, keys);
	case DDB_IN_USE:
		return err_set(reterr, ERR_STORE, "table %s exists or is being changed (%s)", table, e->name);
	case DDB_KEYS:
		return err_set(reterr, ERR_STORE,
		               "table %s has other keys than it had: it is looked at again within a minute%s",
		               table, id.s);
	case DDB_TOO_LARGE:
		return err_set(reterr, ERR_TOO_LARGE,
		               "an item of table %s is as large as DynamoDB allows: remove or shorten "
		               "attributes of other programs in it%s",
		               table, id.s);
	case DDB_VALIDATION:
		return err_set(reterr, ERR_INVALID, "DynamoDB cannot execute %s on table %s: %s%s", op, table,
		               why.s, id.s);
	default:
		return err_set(reterr, ERR_STORE, "DynamoDB refuses %s on table %s: %s%s", op, table, why.s,
		               id.s);
	}
}
