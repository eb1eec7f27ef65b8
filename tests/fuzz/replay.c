/* replay.c - give every input of one corpus to its target: `replay/NAME tests/fuzz/corpus/NAME`.
 *
 * The file is read as pack.py writes it.  The last line is the number of inputs, the empty one included. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { LINE_MAX_BYTES = 65536 };
static const char *corpus = "?";
static unsigned line_number;

/* Of the sanitizers' libraries; NULL in a build without. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell(void)
{
	(void)fprintf(stderr, "%s:%u: the input of this line fails\n", corpus, line_number);
}

static void on_abort(int signal_number)
{
	(void)signal_number;
	tell();
}

/* The bytes a line stands for; how many. */
static size_t decode(const char *line, size_t n, uint8_t *ret)
{
	static const char names[] = "nrt\\", bytes[] = "\n\r\t\\";
	size_t at = 0, len = 0;
	while (at < n) {
		if (line[at] != '\\' || at + 1 == n) {
			ret[len++] = (uint8_t)line[at++];
			continue;
		}
		const char *name = strchr(names, line[at + 1]);
		if (name != NULL) {
			ret[len++] = (uint8_t)bytes[name - names];
			at += 2;
		} else {
			char hex[3] = {line[at + 2], line[at + 3], '\0'};
			ret[len++] = (uint8_t)strtoul(hex, NULL, 16);
			at += 4;
		}
	}
	return len;
}

/* A block of exactly that size, so that a byte too far is seen. */
static void run(const char *line, size_t n)
{
	static uint8_t space[LINE_MAX_BYTES];
	size_t len = decode(line, n, space);
	uint8_t *exact = malloc(len > 0 ? len : 1);
	FUZZ_MUST(exact != NULL);
	memcpy(exact, space, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

int main(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	unsigned count = 1;
	if (f == NULL) {
		(void)fprintf(stderr, "usage: %s tests/fuzz/corpus/NAME\n", argv[0]);
		return 2;
	}
	corpus = argv[1];
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(tell);
	(void)signal(SIGABRT, on_abort);
	(void)LLVMFuzzerInitialize(&argc, &argv);
	run("", 0);
	while (fgets(line, sizeof line, f) != NULL) {
		size_t n = strcspn(line, "\n");
		line_number++;
		if (n == 0 || line[0] == '#')
			continue;
		run(line, n);
		count++;
	}
	(void)fclose(f);
	printf("%u inputs\n", count);
	return 0;
}
