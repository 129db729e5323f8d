#ifndef INIT_POSTGRES_FORM_REPORT_H
#define INIT_POSTGRES_FORM_REPORT_H

#include "init/postgres/form_look.h"

/* Facts, verdict, reason and steps, as `ordain plan form` shows them. */
void pg_form_report(const struct pg_form_look *look, struct buf *out);

/* The exit status of a plan that does not come to its end: 65, or what the pod that it is about says (a
 * password refused is 77), else 75. */
enum err_kind pg_form_kind(const struct pg_form_look *look);

/* "the register names pg-0, system identifier 7 ..., timeline 2" without a newline. */
void pg_report_register(const struct pg_observer *observer, struct buf *out);
/* "standby, timeline 1, at 0/3000060" of a member that is known, else why it is not. */
void pg_report_member(const struct pg_observer *observer, size_t i, struct buf *out);

#endif
