#include <stddef.h>
#include <string.h>

#include "init/command.h"

const struct command commands[] = {
    {.name = "init",
     .bit = COMMAND_INIT,
     .engines = "redis postgres",
     .operands = "",
     .summary = "prepares a pod before its server starts",
     .about =
         "For an init container. Mends the permissions of the volume, becomes the owner, decides "
         "the role and renders the configuration; redis: seeds or mends nodes.conf; postgres: "
         "clones, or rejoins a former primary. Run again, it does what is still missing. What "
         "data would be at risk for is refused with status 65.", .timeout_ms = 120000,
     .termination = true,
     .run = command_init},
    {.name = "exec",
     .bit = COMMAND_EXEC,
     .engines = "redis postgres",
     .operands = "-- CMD [ARG...]",
     .summary = "does the unprivileged part of init again, then becomes CMD",
     .about =
         "For the command of the main container: init containers do not run again when only the "
         "container restarts, and addresses and roles may have changed meanwhile.", .timeout_ms = 120000,
     .termination = true,
     .run = command_exec},
    {.name = "form",
     .bit = COMMAND_FORM,
     .engines = "redis postgres",
     .operands = "",
     .summary = "forms the cluster: observes, plans the difference, applies it, verifies",
     .about = "For a Job, or by hand. Looks at every member, does what is missing and verifies the "
              "result on each. Where nothing is to be done it ends with 0 at once.", .timeout_ms = 300000,
     .termination = true,
     .run = command_form},
    {.name = "probe",
     .bit = COMMAND_PROBE,
     .engines = "redis postgres",
     .operands = "startup|liveness|readiness",
     .summary = "answers one probe: a sentence, and status 0 or 1",
     .about =
         "For exec probes. It has a deadline of its own, --probe-timeout. Where no agent runs, a "
         "readiness probe that fails takes one bounded step of repair.", .timeout_ms = 800,
     .run = command_probe},
    {.name = "plan",
     .bit = COMMAND_PLAN,
     .engines = "redis postgres",
     .operands = "init|form",
     .summary = "shows what init or form would do and why, and changes nothing",
     .about = "Shows facts, decision, reason and steps. Status 0: nothing to do; 1: work to do; 65 "
              "and 75 as the command itself would end.", .timeout_ms = 30000,
     .run = command_plan,
     .operands_first = true},
    {.name = "status",
     .bit = COMMAND_STATUS,
     .engines = "redis postgres",
     .operands = "",
     .summary = "shows the cluster as a person wants to see it",
     .about = "The present state as the servers tell it: shards, roles, slots, links, lag. With "
              "--output json in a versioned form for programs.", .timeout_ms = 30000,
     .run = command_status},
    {.name = "promote",
     .bit = COMMAND_PROMOTE,
     .engines = "postgres",
     .operands = "[POD]",
     .summary = "makes a standby the primary, by the register first",
     .about = "For a person, once the primary is gone. Looks at every pod, takes the most advanced "
              "standby, or POD, and says what would be lost; the register learns of it before the "
              "server does, so that two calls at once cannot both win. It refuses while the named "
              "primary answers.", .timeout_ms = 120000,
     .termination = true,
     .run = command_promote},
    {.name = "role",
     .bit = COMMAND_ROLE,
     .engines = "redis postgres",
     .operands = "",
     .summary = "prints the role at birth of this pod's ordinal",
     .about = "One word: what the ordinal stood for at birth. The present role is told by status.",
     .timeout_ms = 30000,
     .run = command_role},
    {.name = "peers",
     .bit = COMMAND_PEERS,
     .engines = "",
     .operands = "",
     .summary = "prints the pods of the set with their DNS names and addresses",
     .about = "A name that does not resolve is shown as such; it proves nothing about the pod.",
     .timeout_ms = 30000,
     .run = command_peers},
    {.name = "render",
     .bit = COMMAND_RENDER,
     .engines = "redis postgres",
     .operands = "",
     .summary = "writes the configuration files, as init does",
     .about = "Renders the templates into --config-dir; files whose contents stay the same are not "
              "touched. All errors of all templates are told at once.", .timeout_ms = 30000,
     .run = command_render},
    {.name = "perms",
     .bit = COMMAND_PERMS,
     .engines = "",
     .operands = "PATH...",
     .summary = "mends ownership and modes of volumes, as init does",
     .about =
         "Gives every file below each PATH to --owner. The root comes last, so that a right root "
         "proves the whole and a second run ends at once.", .timeout_ms = 30000,
     .run = command_perms},
    {.name = "install",
     .bit = COMMAND_INSTALL,
     .engines = "",
     .operands = "[DIR]",
     .summary = "copies this program to DIR (/ordain/bin), for the other containers of the pod",
     .about =
         "For the first init container: puts the program on a shared volume, complete or not at "
         "all, and makes sure that it can be started from there.", .timeout_ms = 30000,
     .run = command_install},
    {.name = "completion",
     .bit = COMMAND_COMPLETION,
     .engines = "",
     .operands = "bash|zsh",
     .summary = "prints the completion script for a shell",
     .about = "For bash: source <(ordain completion bash). For zsh: ordain completion zsh "
              ">\"${fpath[1]}/_ordain\".", .timeout_ms = 30000,
     .run = command_completion},
    {.name = NULL                                                               },
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
