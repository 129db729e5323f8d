#ifndef INIT_INSTALL_H
#define INIT_INSTALL_H

#include <stdbool.h>

#include "init/sys/err.h"

/* Copies this program to DIR/ordain, 0555, for the other containers of the pod: complete or not at all,
 * nothing where it is there already. DIR is made where it is missing. The copy is started once, so that
 * a volume mounted noexec is told here (ERR_CONFIG) and not by the container that needs it. */
bool install_self(const char *dir, struct err *err);

#endif
