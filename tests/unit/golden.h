#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include <stddef.h>

/* Recorded files under tests/golden/; unit tests run in the root of the checkout. */

/* The bytes of tests/golden/NAME with a NUL behind; the caller frees them. Fails the test when it
 * cannot be read. */
char *golden_read(const char *name, size_t *len);

/* Fails the test unless TEXT is what tests/golden/NAME holds. With GOLDEN_UPDATE=1 in the
 * environment the file is written anew instead: look at the difference before it is committed. */
void golden_check(const char *name, const char *text);

#endif
