/* security_txt.h - where to report vulnerabilities (RFC 9116). */
#pragma once
#include "http/request.h"

void security_txt(struct request *r); /* GET /.well-known/security.txt; 404 without LINKD_SECURITY_CONTACT */
