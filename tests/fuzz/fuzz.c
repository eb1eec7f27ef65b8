#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/crypto.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	FUZZ_MUST(crypto_start(NULL) == ERR_OK);
	return 0;
}

void fuzz_broken(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

uint8_t fuzz_byte(struct str *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return (uint8_t)*in->p++;
}

struct str fuzz_part(struct str *in, char end)
{
	struct str head, tail;
	(void)str_cut(*in, end, &head, &tail);
	*in = tail;
	return head;
}

bool fuzz_holds(struct str text, struct str part)
{
	return part.n > 0 && text.n >= part.n && memmem(text.p, text.n, part.p, part.n) != NULL;
}

int fuzz_file(unsigned slot, struct str text)
{
	static int fd[2] = {-1, -1};
	if (fd[slot] < 0)
		fd[slot] = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd[slot] < 0 || ftruncate(fd[slot], 0) != 0 ||
	    (text.n > 0 && pwrite(fd[slot], text.p, text.n, 0) != (ssize_t)text.n)) {
		perror("a file in memory");
		abort();
	}
	return fd[slot];
}
