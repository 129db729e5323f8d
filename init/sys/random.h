#ifndef INIT_SYS_RANDOM_H
#define INIT_SYS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* From getrandom(2), which cannot fail once the system has booted; a failure is a bug (status 70).
 */
void random_bytes(void *data, size_t len);
/* Evenly distributed in [0, BOUND). BOUND is not 0. */
uint32_t random_below(uint32_t bound);

#endif
