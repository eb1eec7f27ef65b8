/* server_answer.h - a request's answer as libmicrohttpd's response; http/server*.c only. */
#pragma once
#include <microhttpd.h>

struct server_request;

enum MHD_Result server_answer_queue(struct server_request *q); /* MHD_NO closes the connection */
enum MHD_Result server_answer_no_memory(struct MHD_Connection *k);
