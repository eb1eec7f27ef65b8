#include <microhttpd.h>

#include "http/server.h"

const char *server_version(void)
{
	return MHD_get_version();
}
