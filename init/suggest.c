#include "init/suggest.h"

#include <string.h>

#define WORD_MAX 64

/* Levenshtein's distance: insertions, deletions and replacements that make B of A. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
            diagonal = row[j];
            row[j] = shorter + 1 < replaced ? shorter + 1 : replaced;
        }
    }
    return row[b_length];
}

struct suggestion suggest_start(const char *typed, size_t length)
{
    /* a third of the word, three at most: further off is another word */
    size_t near_enough = length / 3 < 3 ? length / 3 : 3;
    return (struct suggestion){.typed = typed, .length = length, .distance = near_enough + 1};
}

void suggest_offer(struct suggestion *suggestion, const char *word)
{
    size_t length = strlen(word);
    if (length > WORD_MAX || suggestion->length > WORD_MAX)
        return;
    size_t found = distance(suggestion->typed, suggestion->length, word, length);
    if (found < suggestion->distance) {
        suggestion->distance = found;
        suggestion->best = word;
    }
}
