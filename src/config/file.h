/* config/file.h - may other users read a file?  Blocking: at start and in commands only. */
#pragma once
#include <stdbool.h>

/* True: a plain file that every user of the machine may read, in folders that every user may enter. */
bool config_file_open_to_all(const char *path);
