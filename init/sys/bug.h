#ifndef INIT_SYS_BUG_H
#define INIT_SYS_BUG_H

/* A broken promise between parts of ordain ends the program with status 70 (ERR_BUG) and one line.
 * Pure code uses assert.h, whose SIGABRT main turns into the same status. On in every build. */
#define ensure(condition) ((condition) ? (void)0 : bug_exit(__FILE__, __LINE__, #condition))

_Noreturn void bug_exit(const char *file, int line, const char *condition);

#endif
