/* server_request.h - libmicrohttpd's request callbacks; http/server*.c only. */
#pragma once
#include <microhttpd.h>

void *server_request_new(void *arg, const char *uri, struct MHD_Connection *k);
enum MHD_Result server_request_handle(void *arg, struct MHD_Connection *k, const char *url,
                                      const char *method, const char *version, const char *data, size_t *n,
                                      void **context);
void server_request_done(void *arg, struct MHD_Connection *k, void **context,
                         enum MHD_RequestTerminationCode why);
