#include "init/postgres/form_report.h"

#include <inttypes.h>

#include "init/postgres/form_apply.h"
#include "roles/lsn.h"

void pg_report_register(const struct pg_observer *observer, struct buf *out)
{
    const struct named *named = &observer->named;
    char name[IDENTITY_NAME_MAX];
    if (!named->known) {
        buf_printf(out, "%s", observer->register_err.message);
        return;
    }
    if (register_kind(observer->store) == REGISTER_NONE)
        buf_add_text(out, "none: the first ordinal is the primary for ever");
    else if (named->ordinal < 0)
        buf_printf(out, "%s names nobody yet", register_describe(observer->store));
    else {
        identity_pod_name(&observer->identity, named->ordinal, name);
        buf_printf(out, "%s names %s", register_describe(observer->store), name);
    }
    if (named->system_identifier != 0)
        buf_printf(out, ", system identifier %" PRIu64, named->system_identifier);
    if (named->timeline != 0)
        buf_printf(out, ", timeline %" PRIu32, named->timeline);
}

void pg_report_member(const struct pg_observer *observer, size_t i, struct buf *out)
{
    const struct pg_member *member = &observer->members[i];
    char text[512];
    char lsn[LSN_TEXT_MAX];
    pg_observer_describe(observer, i, text);
    buf_add_text(out, text);
    if (!member->known)
        return;
    lsn_write(member->lsn, lsn);
    buf_printf(out, ": %s, timeline %" PRIu32 ", at %s",
               member->in_recovery ? "standby" : "primary", member->timeline, lsn);
    if (member->in_recovery && *member->receiver != '\0')
        buf_printf(out, ", %s from %s", member->receiver, member->sender_host);
}

enum err_kind pg_form_kind(const struct pg_form_look *look)
{
    if (look->plan.verdict == PG_FORM_REFUSE)
        return ERR_REFUSED;
    if (!look->observer.named.known)
        return look->observer.register_err.kind;
    if (look->plan.about < 0)
        return ERR_LATER;
    enum pg_answer answer = look->observer.members[look->plan.about].answer;
    if (answer == PG_DENIED)
        return ERR_DENIED;
    return answer == PG_UNTRUSTED ? ERR_CONFIG : ERR_LATER;
}

void pg_form_report(const struct pg_form_look *look, struct buf *out)
{
    static const char *const verdicts[] = {"nothing to do", "work", "wait", "refuse"};
    char text[1024];
    buf_add_text(out, "register     ");
    pg_report_register(&look->observer, out);
    buf_add_text(out, "\n");
    for (size_t i = 0; i < look->observer.count; i++) {
        buf_add_text(out, "pod          ");
        pg_report_member(&look->observer, i, out);
        buf_add_text(out, look->pods[i].stranger ? ", ANOTHER CLUSTER'S\n" : "\n");
    }
    pg_form_sentence(look, text);
    buf_printf(out, "decision     %s\nbecause      %s\n", verdicts[look->plan.verdict], text);
    for (size_t i = 0; i < look->plan.count; i++) {
        pg_form_step_sentence(look, &look->plan.steps[i], text);
        buf_printf(out, "step         %s\n", text);
    }
}
