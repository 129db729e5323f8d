#ifndef INIT_SYS_TERMINATION_H
#define INIT_SYS_TERMINATION_H

/* Where the kubelet reads a container's last words (.terminationMessagePath's default). */
#define TERMINATION_PATH "/dev/termination-log"

/*
 * Writes MESSAGE, cut to 1 KiB, as the container's last words to PATH ("" : TERMINATION_PATH). The
 * file is made by the container runtime, so it is never created here, never followed through a
 * link, and one that is missing or cannot be written is no failure: the log has told it already.
 */
void termination_write(const char *path, const char *message);

#endif
