/* config_file.h - who may read a file.  Blocking, at start and in commands only. */
#pragma once
#include <stdbool.h>

/* A plain file whose mode lets every user of the machine read it, in folders that all of them may enter. */
bool config_file_open_to_all(const char *path);
