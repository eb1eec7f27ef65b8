/* version.h - of this program. */
#pragma once

#define LINKD_VERSION "0.2.0"
