/* server_answer.h - a request's answer as libmicrohttpd's response; http/server*.c only. */
#pragma once
#include <microhttpd.h>

struct server;
struct server_request;

enum MHD_Result server_answer_queue(struct server_request *q); /* MHD_NO closes the connection */
enum MHD_Result server_answer_no_memory(const struct server *s, struct MHD_Connection *k);
void server_answer_last_words(
        struct server_request *q); /* answers while a body is arriving, then closes the connection */
