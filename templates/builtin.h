#ifndef TEMPLATES_BUILTIN_H
#define TEMPLATES_BUILTIN_H

#include <stddef.h>

/* The texts of templates/builtin/, compiled in. NAME is the file's name. */
struct builtin_template {
    const char *name;
    const char *text;
    size_t len;
};

extern const struct builtin_template builtin_templates[];
extern const size_t builtin_template_count;

#endif
