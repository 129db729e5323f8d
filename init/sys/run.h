#ifndef INIT_SYS_RUN_H
#define INIT_SYS_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "init/sys/err.h"

/* Runs ARGV[0] with this process's environment and MORE ("NAME=value"s, NULL-ended), its standard output
 * and error on our standard error, and waits. *status is its exit status, 128 + the signal where one
 * ended it. At the deadline it is killed: ERR_LATER. */
bool run_program(const char *const *argv, const char *const *more, int64_t deadline_ns, int *status,
                 struct err *err);

#endif
