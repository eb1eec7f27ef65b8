/* metrics_process.h - the process as its kernel sees it, under the names every Prometheus client uses. */
#pragma once
#include "base/buf.h"

void metrics_process_write(struct buf *out); /* reads /proc; a value that cannot be read is left out */
