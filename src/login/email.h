/* email.h - the shape of a typed e-mail.  The store decides whether it is one.
 *
 * Looked up as typed and, when no customer matches, in lower case.  Only ASCII letters are lowered: folding
 * more at one place than the writer of the table did would make two customers one.
 * Threads  pure functions. */
#pragma once
#include "base/str.h"
#include "store/store.h"

/* Trim; false unless it has 1..254 bytes, no control and one '@' with something on either side. */
bool email_read(struct str typed, char ret[STORE_EMAIL_MAX + 1]);
bool email_lower(char *email); /* in place; false: nothing changed */
