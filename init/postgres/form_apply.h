#ifndef INIT_POSTGRES_FORM_APPLY_H
#define INIT_POSTGRES_FORM_APPLY_H

#include "init/postgres/form_look.h"

/* Takes one step of the look's plan. Run again it does no harm. Kinds as the register and the pods' answers
 * give them; ERR_LATER where another look may settle it. */
bool pg_form_apply(struct pg_form_look *look, const struct pg_form_step *step, int64_t deadline_ns,
                   struct err *err);

/* "tell it to follow the primary: pg-2 (10.0.0.9)". */
void pg_form_step_sentence(const struct pg_form_look *look, const struct pg_form_step *step,
                           char text[static 1024]);

#endif
