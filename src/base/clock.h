/* clock.h - the two clocks: monotonic for deadlines, wall for expiry and event times. */
#pragma once
#include <stdint.h>

int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC, milliseconds */
int64_t clock_mono_us(void); /* CLOCK_MONOTONIC, microseconds */
int64_t clock_wall_ms(void); /* Unix time, milliseconds, UTC */
