#ifndef INIT_COLOR_H
#define INIT_COLOR_H

#include <stdbool.h>

#include "init/settings.h"

/* Whether stdout is painted. NO_COLOR (no-color.org) and a dumb terminal count where nothing is asked for. */
bool color_is_wanted(enum color_mode mode);

#endif
