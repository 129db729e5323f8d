#ifndef INIT_RENDER_ERRORS_H
#define INIT_RENDER_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

#include "init/sys/err.h"
#include "templates/template.h"

/*
 * The errors of one rendering. A single one becomes the command's error; of several each is logged,
 * one line each and RENDER_ERRORS_SHOWN at most, and the command's error counts them and repeats
 * the first.
 */
#define RENDER_ERRORS_SHOWN 50

struct render_errors {
    const char *file; /* whose template is rendered */
    size_t count;
    struct err first;
};

void render_errors_add(struct render_errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Its kind becomes the whole's when it is the first. */
void render_errors_add_err(struct render_errors *errors, const struct err *failure);
/* The callback for template_render; USER is the struct render_errors. */
void render_errors_template(void *user, const struct template_error *error);
/* True when there was none. */
bool render_errors_end(const struct render_errors *errors, struct err *err);

#endif
