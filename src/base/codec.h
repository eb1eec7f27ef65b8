/* codec.h - text encodings.  Encoders append to a buf; decoders are strict and write nothing past `cap`.
 *
 * Source  base64url RFC 4648 section 5 without padding, percent-encoding RFC 3986 section 2.1. */
#pragma once
#include "base/buf.h"

void codec_hex(struct buf *out, const void *p, size_t n);    /* lower case */
bool codec_unhex(struct str s, void *ret, size_t want);      /* lower case, exactly want*2 digits */
void codec_b64url(struct buf *out, const void *p, size_t n); /* unpadded */
/* Canonical only: wrong alphabet, length or trailing bits are refused. */
bool codec_unb64url(struct str s, void *ret, size_t cap, size_t *ret_n);

void codec_pct(struct buf *out, struct str s); /* all but [A-Za-z0-9._~-] becomes %XX */
/* Decode exactly one level; `plus` turns '+' into a space (forms).  False on a broken escape. */
bool codec_unpct(struct buf *out, struct str s, bool plus);

void codec_html(struct buf *out, struct str s); /* & < > " ' escaped; safe in text and quoted attributes */
/* A JSON string with quotes (RFC 8259); invalid UTF-8 bytes become U+FFFD; also safe inside a log line. */
void codec_json(struct buf *out, struct str s);

uint32_t codec_crc32(struct str s); /* CRC-32 of ISO 3309, as in zlib */
