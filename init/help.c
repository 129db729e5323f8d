#include "init/help.h"

#include <stdio.h>
#include <string.h>

#include "init/settings.h"

#define WIDTH 96

const struct help_status help_statuses[] = {
    {0,  "done; yes"                                                },
    {1,  "no"                                                       },
    {64, "usage: the command line cannot be understood"             },
    {65, "refused: data would be at risk, a person must decide"     },
    {70, "a bug in ordain"                                          },
    {74, "local input or output: disk full, read-only, I/O error"   },
    {75, "not yet, a deadline that has passed included: try again"  },
    {77, "not permitted: file rights, wrong password, RBAC"         },
    {78, "configuration: settings, secrets missing, template errors"},
    {0,  NULL                                                       },
};

/* Prints TEXT broken between words, each line but the first indented by INDENT; the first starts at
 * column AT. */
static void print_wrapped(const char *text, size_t at, size_t indent)
{
    bool first = true;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (!first && at + 1 + length > WIDTH) {
            printf("\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            printf(" ");
            at++;
        }
        printf("%.*s", (int)length, text);
        at += length;
        first = false;
        text += length;
        text += strspn(text, " ");
    }
    printf("\n");
}

/* "  LEFT" and, from column INDENT on, RIGHT. */
static void print_row(const char *left, size_t indent, const char *right)
{
    size_t at = 2 + strlen(left);
    printf("  %s", left);
    if (at + 2 > indent) {
        printf("\n");
        at = 0;
    }
    printf("%*s", (int)(indent - at), "");
    print_wrapped(right, indent, indent);
}

void help_synopsis(const struct command *command, char text[static 128])
{
    char engines[32];
    (void)snprintf(engines, sizeof engines, "%s", command->engines);
    for (char *at = engines; *at != '\0'; at++)
        if (*at == ' ')
            *at = '|';
    const char *first = command->operands_first ? command->operands : engines;
    const char *second = command->operands_first ? engines : command->operands;
    (void)snprintf(text, 128, "%s%s%s%s%s", command->name, first[0] != '\0' ? " " : "", first,
                   second[0] != '\0' ? " " : "", second);
}

static void print_setting(const struct setting_info *info, bool engine_named)
{
    char left[96];
    char right[512];
    size_t length = 0;
    const char *engine = engine_named ? "" : info->engine;
    if (info->flag == NULL) {
        (void)snprintf(left, sizeof left, "(no flag)");
    } else {
        (void)snprintf(left, sizeof left, "--%s%s%s%s%s", engine, engine[0] != '\0' ? "-" : "",
                       info->flag, info->value != NULL ? " " : "",
                       info->value != NULL ? info->value : "");
    }
    length += (size_t)snprintf(right, sizeof right, "%s", info->help);
    for (size_t i = 0; info->words != NULL && info->words[i] != NULL; i++) {
        length += (size_t)snprintf(right + length, sizeof right - length, "%s%s",
                                   i == 0 ? ": " : ", ", info->words[i]);
    }
    if (info->default_text[0] != '\0') {
        length += (size_t)snprintf(right + length, sizeof right - length, " (default: %s)",
                                   info->default_text);
    }
    if (info->variable != NULL)
        (void)snprintf(right + length, sizeof right - length, " [%s]", info->variable);
    print_row(left, 32, right);
}

static void print_settings(command_set known, const char *engine, bool engine_named)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        if ((info->commands & known) != 0 && strcmp(info->engine, engine) == 0)
            print_setting(info, engine_named);
    }
}

static bool has_settings_of(command_set known, const char *engine)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        if ((info->commands & known) != 0 && strcmp(info->engine, engine) == 0)
            return true;
    }
    return false;
}

static void print_statuses(void)
{
    printf("\nExit status\n");
    for (const struct help_status *row = help_statuses; row->text != NULL; row++) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", row->status);
        print_row(number, 8, row->text);
    }
}

void help_print_short(void)
{
    (void)fputs(
        "ordain gives each pod of a StatefulSet its role: in a Redis or Valkey Cluster, or in a\n"
        "Postgres primary's replication.\n"
        "\n"
        "  ordain init redis --replicas 6 --service redis   prepare this pod (init container)\n"
        "  ordain exec redis -- redis-server /etc/redis/redis.conf   start its server\n"
        "  ordain status redis                              show the cluster\n"
        "  ordain init postgres --replicas 3 --service pg   prepare a pod of Postgres\n"
        "\n"
        "'ordain --help' shows all commands and settings.\n",
        stderr);
}

void help_print(void)
{
    printf(
        "ordain gives each pod of a StatefulSet its role: in a Redis or Valkey Cluster, or in a\n"
        "Postgres primary's replication.\n\n"
        "Usage: ordain COMMAND [ENGINE] [--flags]\n\nCommands\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        char synopsis[128];
        help_synopsis(command, synopsis);
        print_row(synopsis, 40, command->summary);
    }
    print_row("help COMMAND", 40, "says more of one command, and which flags it has");
    print_row("--version", 40, "names the libraries within, too");
    print_row("--man", 40, "prints the manual page");
    printf("\nSettings: a flag, or the variable in brackets; a flag wins\n");
    print_settings(~0U, "", true);
    printf(
        "\nSettings of Redis and Valkey: --redis-x, or --x where the command names the engine\n");
    print_settings(~0U, "redis", true);
    printf("\nSettings of Postgres: --postgres-x, or --x where the command names the engine\n");
    print_settings(~0U, "postgres", true);
    print_statuses();
}

void help_print_command(const struct command *command)
{
    char synopsis[128];
    help_synopsis(command, synopsis);
    printf("Usage: ordain %s%s\n\n", synopsis,
           strncmp(command->operands, "--", 2) == 0 ? "   (flags before the --)" : " [--flags]");
    print_wrapped(command->about, 0, 0);
    bool engine_named = command->engines[0] != '\0';
    if (has_settings_of(command->bit, "")) {
        printf("\nSettings: a flag, or the variable in brackets; a flag wins\n");
        print_settings(command->bit, "", engine_named);
    }
    if (has_settings_of(command->bit, "redis")) {
        printf("\nSettings of Redis and Valkey\n");
        print_settings(command->bit, "redis", engine_named);
    }
    if (has_settings_of(command->bit, "postgres")) {
        printf("\nSettings of Postgres\n");
        print_settings(command->bit, "postgres", engine_named);
    }
    print_statuses();
}
