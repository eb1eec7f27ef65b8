/* app_signals.h - the signals of the service, handled one by one on its main thread.
 *
 * SIGTERM and SIGINT stop the service.  Every other signal whose default action would end the process
 * (SIGHUP, SIGQUIT, SIGUSR1, the real-time signals and so on) is logged and otherwise ignored.  The signals
 * of the program's own faults (SIGSEGV, SIGABRT and so on) still end it.
 *
 * Threads  app_signals_block before the first thread starts, since threads inherit the mask; app_signals_wait
 *          on the main thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Block all these signals; SIGPIPE stays blocked.  A second call changes nothing. */
void app_signals_block(void);

/* Wait for SIGTERM or SIGINT, at most until `end_ms` (monotonic; INT64_MAX: without limit).
 * True: the service must stop.  False: the time is over. */
bool app_signals_wait(int64_t end_ms);
