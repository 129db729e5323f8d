#ifndef INIT_SUGGEST_H
#define INIT_SUGGEST_H

#include <stddef.h>

/* "Did you mean": the offered word nearest to what was typed, if it is near enough. */
struct suggestion {
    const char *typed;
    size_t length;
    size_t distance;  /* of best; at first one more than what is near enough */
    const char *best; /* NULL: nothing near */
};

struct suggestion suggest_start(const char *typed, size_t length);
void suggest_offer(struct suggestion *suggestion, const char *word);

#endif
