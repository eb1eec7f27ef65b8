/* dirsync.h - makes the name of a new file survive a power cut. */
#pragma once
#include <stdbool.h>

/* fsync the directory that holds `path`.  False, with errno: it could not be done. */
bool dirsync(const char *path);
