/* app.h - the service: wired, run until SIGTERM or SIGINT, stopped. */
#pragma once
#include "config/config.h"

/* Blocks until the service was told to stop and has answered what it had received.
 * Errors  why it did not start, with the setting and the remedy. */
MUST_CHECK enum err_code app_serve(const struct config *cfg, struct err *reterr);
