#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "init/command.h"
#include "init/privileged_start.h"
#include "init/sys/clock.h"
#include "init/sys/log.h"
#include "init/sys/perms.h"
#include "init/sys/privilege.h"

/* One directory and what came of it. */
struct answer {
    char path[256]; /* escaped: printable ASCII without a line's end */
    struct perms_policy policy;
    struct perms_report report;
    double seconds;
};

static void print_text(const struct answer *answer)
{
    const struct perms_report *report = &answer->report;
    if (report->root_was_right) {
        (void)printf("%s: right\n", answer->path);
        return;
    }
    (void)printf("%s: %" PRIu64 " %s, %" PRIu64 " %s", answer->path, report->scanned,
                 report->scanned == 1 ? "entry" : "entries",
                 answer->policy.check ? report->wrong : report->changed,
                 answer->policy.check ? "wrong" : "changed");
    if (report->first_wrong[0] != '\0')
        (void)printf(" ('%s'%s)", report->first_wrong, report->wrong > 1 ? ", ..." : "");
    if (report->skipped > 0)
        (void)printf(", %" PRIu64 " left alone", report->skipped);
    if (report->closed > 0) {
        (void)printf(", %" PRIu64 " %s closed to %s owner", report->closed,
                     report->closed == 1 ? "directory" : "directories",
                     report->closed == 1 ? "its" : "their");
    }
    (void)printf(", %.1f s\n", answer->seconds);
}

/* TEXT is printable ASCII already. */
static void print_json_string(const char *text)
{
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)putchar('\\');
        (void)putchar(*text);
    }
    (void)putchar('"');
}

/* One object a line, so that a reader need not wait for the last directory. */
static void print_json(const struct answer *answer)
{
    const struct perms_report *report = &answer->report;
    (void)printf("{\"version\":1,\"path\":");
    print_json_string(answer->path);
    (void)printf(",\"owner\":\"%u:%u\",\"right\":%s,\"root_was_right\":%s,\"scanned\":%" PRIu64
                 ",\"changed\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"left_alone\":%" PRIu64
                 ",\"closed_directories\":%" PRIu64 ",\"first_wrong\":",
                 answer->policy.uid, answer->policy.gid, report->wrong == 0 ? "true" : "false",
                 report->root_was_right ? "true" : "false", report->scanned, report->changed,
                 report->wrong, report->skipped, report->closed);
    print_json_string(report->first_wrong);
    (void)printf(",\"seconds\":%.3f}\n", answer->seconds);
}

static bool answer_one(const struct invocation *inv, const char *path, struct answer *answer,
                       struct err *err)
{
    const struct settings *settings = inv->settings;
    int64_t started_ns = clock_now_ns();
    perms_escape(answer->path, sizeof answer->path, path);
    answer->policy = privileged_policy(settings, settings->preset);
    answer->policy.check = settings->check;
    /* who may not change owners works through the group that fsGroup gave; PGDATA must be its own
     */
    answer->policy.group_is_enough = settings->check && answer->policy.root_mode == 0 &&
                                     geteuid() != 0 && !privilege_can_chown();
    if (!privileged_owner(settings->owner, settings->preset, path, &answer->policy.uid,
                          &answer->policy.gid, err) ||
        !perms_apply(path, &answer->policy, &answer->report, err))
        return false;
    answer->seconds = (double)(clock_now_ns() - started_ns) / (double)CLOCK_S;
    return true;
}

static void print_advice(const struct perms_policy *policy)
{
    struct buf text = buf_new(4096);
    perms_advice(policy, &text);
    (void)fputs(buf_text(&text), stdout);
    buf_free(&text);
}

bool command_perms(const struct invocation *inv, int *status, struct err *err)
{
    struct answer answer;
    struct perms_policy advised = {0};
    bool json = inv->settings->output == OUTPUT_JSON;
    if (inv->argc == 0)
        return err_set(err, ERR_USAGE, "'ordain perms' needs the directory: ordain perms /data");
    for (int i = 0; i < inv->argc; i++) {
        if (!answer_one(inv, inv->argv[i], &answer, err))
            return false;
        if (json)
            print_json(&answer);
        else
            print_text(&answer);
        if (answer.report.wrong > 0 && *status == 0) {
            *status = 1;
            advised = answer.policy;
        }
    }
    if (*status != 0 && !json)
        print_advice(&advised);
    return true;
}
