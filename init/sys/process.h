#ifndef INIT_SYS_PROCESS_H
#define INIT_SYS_PROCESS_H

/*
 * What ordain wants of the process itself. process_open, first in main: standard descriptors that
 * were closed are taken (so that no file becomes "standard output"; writing to it still fails),
 * SIGPIPE is ignored, a failed assert ends with status 70, SIGTERM and SIGINT end a command
 * although it is PID 1.
 */
void process_open(void);

/* Before secrets are read: no core dumps, no ptrace or /proc/PID/mem by others of the same user. */
void process_guard_secrets(void);

/* Before execve of another program: undoes both, so that it starts as if ordain had not been there.
 */
void process_restore(void);

#endif
