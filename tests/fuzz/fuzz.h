/* fuzz.h - what the fuzz targets share.
 *
 * A target (target_NAME.c) gives one input to a module and checks what must hold of the outcome: a property
 * that does not hold ends the program, as a crash does.  libFuzzer makes the inputs (fuzz.py); replay.c gives
 * those kept in corpus/ to the same function, under gcc's sanitizers. */
#pragma once
#include "base/str.h"

/* The name and shape libFuzzer asks for; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv); /* once, before the first input */

#define FUZZ_MUST(holds)                                         \
	do {                                                     \
		if (!(holds))                                    \
			fuzz_broken(__FILE__, __LINE__, #holds); \
	} while (0)
void fuzz_broken(const char *file, int line, const char *what) __attribute__((noreturn));

/* Cut the first byte off; 0 when there is none. */
uint8_t fuzz_byte(struct str *in);
/* Cut all before `end` off, `end` too; all that is left when there is none. */
struct str fuzz_part(struct str *in, char end);

bool fuzz_holds(struct str text, struct str part); /* part is not empty and somewhere in text */

/* A file without a name that holds `text`; its path is /proc/self/fd/ and this number.  The same one again
 * for the same `slot` (0 or 1). */
int fuzz_file(unsigned slot, struct str text);
