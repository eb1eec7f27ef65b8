/* confirm_message.h - after a link the page writes into the thread: LINKD_CONFIRM_MESSAGE, with a Log Out button.
 *
 * A message is sent at most once.  A call is repeated, for 6 minutes, only if there was no connection, or Facebook
 * refused it for the rate limit; and only if the customer still holds the profile.  A call whose answer is lost, or was
 * a failure of Facebook, may have sent the message: its outcome is unknown.  Open messages are lost when the service
 * stops.
 * Bound    CONFIRM_MESSAGE_MAX per loop.
 * Threads  the loop's thread. */
#pragma once
#include "link/link.h"

enum { CONFIRM_MESSAGE_MAX = 1024 };

/* The list for `service->confirms`; *ret is NULL without a text or a page token. */
MUST_CHECK enum err_code confirm_message_new(struct service *s, struct later **ret, struct err *reterr);
extern const struct link_listener confirm_message_listener;
