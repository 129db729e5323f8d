#include <stdio.h>
#include <string.h>

#include "build/gen/versions.h"
#include "init/help.h"
#include "init/settings.h"

/* Prints TEXT for roff: a backslash and a hyphen are escaped, a line never begins with a request.
 */
static void print_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        printf("\\&");
    for (; *text != '\0'; text++)
        if (*text == '\\')
            printf("\\e");
        else if (*text == '-')
            printf("\\-");
        else
            printf("%c", *text);
}

static void print_commands(void)
{
    printf(".SH COMMANDS\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        char synopsis[128];
        help_synopsis(command, synopsis);
        printf(".TP\n.B ");
        print_roff(synopsis);
        printf("\n");
        print_roff(command->summary);
        printf(".\n");
        print_roff(command->about);
        printf("\n");
    }
}

static void print_setting(const struct setting_info *info)
{
    printf(".TP\n.B ");
    if (info->flag != NULL) {
        printf("\\-\\-");
        print_roff(info->flag);
        if (info->value != NULL) {
            printf(" \\fI");
            print_roff(info->value);
            printf("\\fP");
        }
    }
    if (info->variable != NULL)
        printf("%s%s", info->flag != NULL ? ", " : "", info->variable);
    printf("\n");
    print_roff(info->help);
    for (size_t i = 0; info->words != NULL && info->words[i] != NULL; i++)
        printf("%s\\fB%s\\fP", i == 0 ? ": " : ", ", info->words[i]);
    if (info->default_text[0] != '\0') {
        printf(" (default: ");
        print_roff(info->default_text);
        printf(")");
    }
    printf(".\n");
}

static void print_settings(const char *engine)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        if (strcmp(info->engine, engine) == 0)
            print_setting(info);
    }
}

void help_print_man(void)
{
    printf(".TH ORDAIN 1 \"\" \"ordain %s\" \"User Commands\"\n", ORDAIN_VERSION);
    printf(".SH NAME\nordain \\- gives each pod of a StatefulSet its role in a cluster\n"
           ".SH SYNOPSIS\n.B ordain\n.I COMMAND\n.RI [ ENGINE ]\n.RI [ \\-\\-flags ]\n"
           ".SH DESCRIPTION\n"
           "ordain reads the pod's ordinal, chooses the role, renders configuration, fixes\n"
           "permissions, finds its peers through headless DNS and forms a Redis or Valkey Cluster, "
           "or a\n"
           "Postgres primary with streaming standbys.\n"
           "It runs as init container, as probe helper and as one\\-shot Job.\n"
           "Every command may be run again, and may be killed at any time.\n"
           "Answers go to standard output, the log goes to standard error.\n");
    print_commands();
    printf(".SH SETTINGS\n"
           "Each flag has an environment variable; a flag wins. An empty variable is not set.\n"
           "An unknown variable whose name begins with ORDAIN_ is an error.\n"
           "Times are written as 120, 120s, 500ms, 2m or 1h.\n");
    print_settings("");
    printf(".SS Redis and Valkey\n"
           "Written \\fB\\-\\-redis\\-\\fP\\fIx\\fP where the command does not name the engine.\n");
    print_settings("redis");
    printf(
        ".SS Postgres\n"
        "Written \\fB\\-\\-postgres\\-\\fP\\fIx\\fP where the command does not name the engine.\n");
    print_settings("postgres");
    printf(".SH EXIT STATUS\n");
    for (const struct help_status *row = help_statuses; row->text != NULL; row++) {
        printf(".TP\n.B %d\n", row->status);
        print_roff(row->text);
        printf(".\n");
    }
    printf(".SH FILES\n.TP\n.I /dev/termination\\-log\n"
           "gets the last sentence of init, exec and form, where it exists.\n");
}
