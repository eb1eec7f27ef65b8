/* rig_script.h - the rig on the DynamoDB store of a server that answers as told. */
#pragma once
#include "rig.h"
#include "script.h"

extern const struct rig_backend rig_scripted;
extern struct config rig_script_config; /* of every store opened */

/* Of a group: *state is a rig on a table with every index. */
int rig_script_start(void **state);
int rig_script_end(void **state);
/* Open another rig on that table. */
void rig_script_open(struct rig *r, const char *table);
