#ifndef TEMPLATES_QUOTE_BODY_H
#define TEMPLATES_QUOTE_BODY_H

#include "templates/quote.h"

/* Shared by quote.c and quote_cursor.c. */

/* True when VALUE, standing alone, is written in quotes. */
bool quote_needed(enum quote_kind kind, const char *value, size_t len);

/* Writes VALUE as it stands between quotes of PLACE, without them; in a comment as it is. */
enum quote_status quote_body(enum quote_kind kind, enum quote_place place, const char *value,
                             size_t len, const struct quote_sink *sink);

#endif
