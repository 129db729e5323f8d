#ifndef INIT_HELP_H
#define INIT_HELP_H

#include <stddef.h>

#include "init/command.h"

/* Help and manual page, all from the tables of commands and settings. */

/* What `ordain` alone says, on stderr: three examples. */
void help_print_short(void);
/* `ordain --help` and `ordain COMMAND --help`, on stdout. */
void help_print(void);
void help_print_command(const struct command *command);
/* The manual page ordain(1) in roff's man macros, on stdout. */
void help_print_man(void);

/* What follows "ordain" in a command's synopsis: "plan init|form redis". */
void help_synopsis(const struct command *command, char text[static 128]);

/* Exit statuses with their meaning, rows until a NULL text. */
struct help_status {
    int status;
    const char *text;
};
extern const struct help_status help_statuses[];

#endif
