#include <string.h>

#include "init/command.h"
#include "init/settings.h"

/* In a cell of a table a bar would end the cell. */
static void add_cell(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            buf_add(out, "\\", 1);
        buf_add(out, text, 1);
    }
}

static void add_setting(struct buf *out, const struct setting_info *info)
{
    buf_add_text(out, "| ");
    if (info->variable != NULL)
        buf_printf(out, "`%s`", info->variable);
    buf_add_text(out, " | ");
    if (info->flag != NULL) {
        buf_printf(out, "`--%s", info->flag);
        if (info->value != NULL) {
            buf_add_text(out, " ");
            add_cell(out, info->value);
        }
        buf_add_text(out, "`");
    }
    buf_add_text(out, " | ");
    add_cell(out, info->default_text);
    buf_add_text(out, " | ");
    add_cell(out, info->help);
    for (size_t i = 0; info->words != NULL && info->words[i] != NULL; i++)
        buf_printf(out, "%s`%s`", i == 0 ? ": " : ", ", info->words[i]);
    buf_add_text(out, " | ");
    for (const struct command *command = commands; command->name != NULL; command++)
        if ((info->commands & command->bit) != 0)
            buf_printf(out, "%s ", command->name);
    buf_add_text(out, "|\n");
}

static void add_table(struct buf *out, const char *engine)
{
    buf_add_text(out, "| variable | flag | default | | commands |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting_info *info = settings_info(i);
        if (strcmp(info->engine, engine) == 0)
            add_setting(out, info);
    }
}

void settings_write_markdown(struct buf *out)
{
    buf_add_text(
        out, "# Settings\n\n"
             "Made from ordain's own table by `ordain --settings-markdown`; change it there.\n\n"
             "Each flag has an environment variable, and a flag wins. `--x VALUE` and `--x=VALUE` "
             "are the same; "
             "an empty variable is not set. An unknown `ORDAIN_*` variable is an error (status "
             "78), except the "
             "variables that Kubernetes makes of Services. Times are `120`, `120s`, `500ms`, `2m` "
             "or `1h`; a plain "
             "number is seconds. Switches are `--adopt`, or `true`, `false`, `yes`, `no`, `1`, `0` "
             "in a variable.\n\n"
             "One environment may serve all containers of a pod: a command passes over the "
             "variables that it does "
             "not know itself. Flags are checked strictly.\n\n");
    add_table(out, "");
    buf_add_text(out, "\n## Redis and Valkey\n\n"
                      "The flags are as shown where the command names the engine (`ordain init "
                      "redis --port 7000`), and "
                      "`--redis-x` everywhere. Secrets come from a file or the environment, never "
                      "from a flag; one "
                      "trailing newline of a file is dropped.\n\n");
    add_table(out, "redis");
    buf_add_text(out, "\n## Postgres\n\n"
                      "The flags are as shown where the command names the engine, and "
                      "`--postgres-x` everywhere. `PGDATA` and `POSTGRES_*` are the official "
                      "image's own and mean what they mean there.\n\n");
    add_table(out, "postgres");
    buf_add_text(out, "\n## Told by the kubelet\n\n"
                      "Set these by the downward API:\n\n"
                      "| variable | from | |\n|---|---|---|\n"
                      "| `POD_NAME` | `metadata.name` | the pod; its tail is the ordinal |\n"
                      "| `POD_NAMESPACE` | `metadata.namespace` | |\n"
                      "| `POD_IP`, `POD_IPS` | `status.podIP`, `status.podIPs` | the address that "
                      "the pod announces |\n"
                      "| `POD_INDEX` | label `apps.kubernetes.io/pod-index` | the ordinal, from "
                      "Kubernetes 1.28 on |\n"
                      "| `NO_COLOR` | | anything: as `--color never` |\n");
}
