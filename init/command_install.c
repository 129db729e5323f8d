#include "init/command.h"
#include "init/install.h"

#define DEFAULT_DIR "/ordain/bin"

bool command_install(const struct invocation *inv, int *status, struct err *err)
{
    (void)status;
    if (inv->argc > 1) {
        return err_set(err, ERR_USAGE,
                       "'ordain install' takes one directory, and '%.80s' is a second",
                       inv->argv[1]);
    }
    return install_self(inv->argc == 1 ? inv->argv[0] : DEFAULT_DIR, err);
}
