/* server_conn.h - libmicrohttpd's connection notices; http/server*.c only. */
#pragma once
#include <microhttpd.h>

void server_conn_notify(void *arg, struct MHD_Connection *k, void **context,
                        enum MHD_ConnectionNotificationCode what);
