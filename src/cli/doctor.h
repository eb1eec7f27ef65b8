/* doctor.h - what the parts of `account-linkd doctor` share: each check gives one line of the list. */
#pragma once
#include "base/clock.h"
#include "cli/cli.h"

enum doctor_verdict { DOCTOR_OK, DOCTOR_ADVICE, DOCTOR_FAULT, DOCTOR_SKIPPED };

struct doctor {
	struct cli *c;
	const struct config *cfg;
	size_t faults;
};

void doctor_note(struct doctor *d, const char *check, enum doctor_verdict v, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
void doctor_dynamodb(struct doctor *d);
