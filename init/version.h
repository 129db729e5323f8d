#ifndef INIT_VERSION_H
#define INIT_VERSION_H

/* `ordain --version`: name and version, then each static library with its own, on stdout. */
void version_print(void);

#endif
