#include <sqlite3.h>

#include "store/store.h"

const char *store_version(void)
{
	return sqlite3_libversion();
}
