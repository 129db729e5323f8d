#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "init/command.h"
#include "init/help.h"
#include "init/suggest.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "init/sys/process.h"
#include "init/sys/termination.h"
#include "init/version.h"

#define READS_SECRETS                                                                              \
    (COMMAND_INIT | COMMAND_EXEC | COMMAND_FORM | COMMAND_PROBE | COMMAND_PLAN | COMMAND_STATUS |  \
     COMMAND_RENDER)

static int fail(const struct err *err)
{
    log_failure(err->message);
    return (int)err->kind;
}

/* Every way out ends here: an answer that did not reach its reader is a failure. */
static bool flush_answer(struct err *err)
{
    if (fflush(stdout) != 0) {
        err_errno(err, errno, "cannot write the answer to standard output");
        err->kind = ERR_IO;
        return false;
    }
    /* an earlier write, whose reason is gone */
    return ferror(stdout) == 0 || err_set(err, ERR_IO, "cannot write to standard output");
}

/* Of a call that cannot be understood the environment alone tells how its error is to be written. */
static void log_as_asked(void)
{
    struct settings settings;
    struct err ignored;
    char *no_words[] = {NULL};
    int operands_at;
    (void)settings_read(&settings, 0, "", 0, no_words, &operands_at, &ignored);
    log_open(settings.log_json, (enum log_level)settings.log_level, settings.pod_name);
}

static int unknown_command(const char *name)
{
    struct err err;
    struct suggestion suggestion = suggest_start(name, strlen(name));
    for (const struct command *command = commands; command->name != NULL; command++)
        suggest_offer(&suggestion, command->name);
    suggest_offer(&suggestion, "help");
    if (suggestion.best != NULL) {
        err_set(&err, ERR_USAGE, "unknown command '%.80s': did you mean '%s'?", name,
                suggestion.best);
    } else {
        err_set(&err, ERR_USAGE, "unknown command '%.80s'; 'ordain --help' lists them", name);
    }
    return fail(&err);
}

/* True when WORD is one of the space separated WORDS. */
static bool is_one_of(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t here = strcspn(at, " ");
        if (here == length && memcmp(at, word, length) == 0)
            return true;
        at += here;
    }
    return false;
}

/* Takes the engine from the first word, or from the second where the operand of `plan init redis`
 * comes first, and puts it first. */
static bool take_engine(const struct command *command, int argc, char **argv, struct err *err)
{
    if (argc > 1 && argv[0][0] != '-' && !is_one_of(command->engines, argv[0]) &&
        is_one_of(command->engines, argv[1])) {
        char *operand = argv[0];
        argv[0] = argv[1];
        argv[1] = operand;
    }
    if (argc > 0 && is_one_of(command->engines, argv[0]))
        return true;
    int at = command->operands_first ? 1 : 0;
    const char *given = argc > at ? argv[at] : "-";
    if (given[0] == '-') {
        return err_set(err, ERR_USAGE, "'ordain %s' needs an engine: %s", command->name,
                       command->engines);
    }
    return err_set(err, ERR_USAGE, "unknown engine '%.80s': 'ordain %s' knows %s", given,
                   command->name, command->engines);
}

/* What stands behind "--" is the only place for the operands of a command that shows them so: CMD's
 * own flags must not be taken for ordain's. */
static bool check_dashes(const struct command *command, int behind, int operands, struct err *err)
{
    if (strncmp(command->operands, "--", 2) != 0)
        return true;
    if (behind != operands || operands == 0) {
        return err_set(err, ERR_USAGE, "'ordain %s' needs the command to run behind '--': %s",
                       command->name, command->operands);
    }
    return true;
}

static bool read_words(const struct command *command, int argc, char **argv,
                       struct settings *settings, struct invocation *inv, struct err *err)
{
    bool good = true;
    struct err further;
    inv->engine = "";
    if (command->engines[0] != '\0') {
        good = take_engine(command, argc, argv, err);
        inv->engine = good ? argv[0] : "";
        argc -= good;
        argv += good;
    }
    int dashes = 0;
    while (dashes < argc && strcmp(argv[dashes], "--") != 0)
        dashes++;
    int behind = dashes < argc ? argc - 1 - dashes : 0;
    int operands_at = 0;
    good = settings_read(settings, command->bit, inv->engine, argc, argv, &operands_at,
                         good ? err : &further) &&
           good;
    inv->settings = settings;
    inv->argc = argc - operands_at;
    inv->argv = argv + operands_at;
    if (good && inv->argc > 0 && command->operands[0] == '\0') {
        good = err_set(err, ERR_USAGE, "'ordain %s' takes no operand, and '%.80s' is one",
                       command->name, inv->argv[0]);
    }
    return good && check_dashes(command, behind, inv->argc, err);
}

static int run(const struct command *command, int argc, char **argv, int64_t started_ns)
{
    struct settings settings;
    struct invocation inv;
    struct err err;
    int status = 0;
    bool good = read_words(command, argc, argv, &settings, &inv, &err);
    log_open(settings.log_json, (enum log_level)settings.log_level, settings.pod_name);
    if (good) {
        int64_t timeout_ms = settings.timeout_ms;
        if (command->bit == COMMAND_PROBE)
            timeout_ms = settings.probe_timeout_ms;
        else if (timeout_ms == 0)
            timeout_ms = command->timeout_ms;
        inv.deadline_ns = started_ns + timeout_ms * CLOCK_MS;
        if ((command->bit & READS_SECRETS) != 0)
            process_guard_secrets();
        good = command->run(&inv, &status, &err);
    }
    struct err unheard;
    good = flush_answer(good ? &err : &unheard) && good;
    if (!good)
        status = fail(&err);
    if (command->termination)
        termination_write(settings.termination_log, good ? log_last() : err.message);
    return status;
}

/* True when a --help for ordain stands among the words. */
static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* The words that are no command: they print and are done. */
static bool answer(int argc, char **argv)
{
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        (strcmp(word, "help") == 0 && argc == 2)) {
        help_print();
    } else if (strcmp(word, "--version") == 0) {
        version_print();
    } else if (strcmp(word, "--man") == 0) {
        help_print_man();
    } else if (strcmp(word, "--settings-markdown") == 0) {
        struct buf text = buf_new((size_t)1 << 20);
        settings_write_markdown(&text);
        (void)fputs(buf_text(&text), stdout);
        buf_free(&text);
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    int64_t started_ns = clock_now_ns();
    struct err err;
    process_open();
    if (argc < 2) {
        help_print_short();
        return ERR_USAGE;
    }
    if (answer(argc, argv))
        return flush_answer(&err) ? 0 : fail(&err);
    bool help = strcmp(argv[1], "help") == 0;
    const char *name = argv[help ? 2 : 1];
    const struct command *command = command_find(name);
    if (command == NULL) {
        log_as_asked();
        return unknown_command(name);
    }
    if (help || asks_help(argc - 2, argv + 2)) {
        help_print_command(command);
        return flush_answer(&err) ? 0 : fail(&err);
    }
    return run(command, argc - 2, argv + 2, started_ns);
}
